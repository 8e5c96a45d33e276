"""Processes that are restarted and killed for years leave a bounded number of files, and no sum ever falls."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from prometheus_client import CollectorRegistry, generate_latest

from pipeline.adapters.metrics.collecting import HostCollector
from pipeline.adapters.metrics.prometheus_meter import PrometheusMeter
from pipeline.adapters.metrics.slots import take_slot
from pipeline.meter import CardEdit
from settings import HOME
from tests.scraping import Scrape


class Counting:
    """A process that counts as fast as it can."""

    def __init__(self, folder: Path, role: str = "worker") -> None:
        command = [sys.executable, "-m", "tests.pipeline.counting_process", str(folder), role]
        self._process = subprocess.Popen(command, cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.slot = self._lines.readline().strip()
        self._said = 0

    @property
    def _lines(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    def count(self, number: int) -> None:
        """Let it count so far at least."""
        while self._said < number:
            self._said = int(self._lines.readline())

    def kill(self) -> int:
        """kill -9 in the middle of its counting; how far it said it had come."""
        self._process.kill()
        return self._end()

    def stop(self) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._end()

    def _end(self) -> int:
        unread = self._lines.read().split()
        self._process.wait(30)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        return int(unread[-1]) if unread else self._said


def scrape(folder: Path) -> Scrape:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HostCollector(folder))
    return Scrape(generate_latest(registry).decode())


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.db"))


@contextmanager
def own_meter(folder: Path, role: str = "worker") -> Iterator[PrometheusMeter]:
    """A meter of this process."""
    slot = take_slot(folder, role)
    meter = PrometheusMeter(slot)
    yield meter
    meter.close()
    slot.close()


def test_processes_that_live_at_the_same_time_have_slots_of_their_own(tmp_path: Path) -> None:
    processes = [Counting(tmp_path), Counting(tmp_path), Counting(tmp_path, "bot")]
    assert [one.slot for one in processes] == ["worker-0", "worker-1", "bot-0"]
    counted = sum(one.stop() for one in processes)
    assert scrape(tmp_path).value("digest_ticks_total") == counted


def test_killed_in_the_middle_again_and_again_nothing_that_was_counted_is_lost(tmp_path: Path) -> None:
    said, before = 0, 0.0
    for number in range(1, 6):
        process = Counting(tmp_path)
        assert process.slot == "worker-0", "the slot of the one before is free, whatever ended it"
        process.count(30 * number)
        assert scrape(tmp_path).value("digest_ticks_total") >= before, "a scrape meanwhile sees no sum fall"
        said += process.kill()
        now = scrape(tmp_path).value("digest_ticks_total")
        assert said <= now <= said + number, "what was counted, and at most the one of each kill that was not said yet"
        assert now > before
        before = now
        if number == 1:
            first = files(tmp_path)
    assert set(files(tmp_path)) <= set(first), "no file is left by a restart"


def test_gauges_go_with_their_process_and_counts_stay(tmp_path: Path) -> None:
    process = Counting(tmp_path)
    process.count(1)
    memory = "digest_process_resident_memory_bytes"
    assert scrape(tmp_path).labels(memory) == [{"process": "worker-0"}]
    counted = process.kill()
    assert scrape(tmp_path).labels(memory) == []
    assert scrape(tmp_path).value("digest_ticks_total") >= counted


def test_a_file_that_a_crash_of_the_machine_has_spoilt_is_begun_anew(tmp_path: Path) -> None:
    with own_meter(tmp_path) as meter:
        meter.ticked()
        meter.card_edited(CardEdit.SHOWN)
    with own_meter(tmp_path, "bot") as meter:
        meter.ticked()
    (tmp_path / "counter_worker-0.db").write_bytes(b"\xff" * 5000)
    assert scrape(tmp_path).value("digest_ticks_total") == 1, "the other process' counts are told all the same"
    with own_meter(tmp_path) as meter:
        meter.ticked()
    assert scrape(tmp_path).value("digest_ticks_total") == 2


def test_an_empty_file_of_a_process_that_died_while_making_it_stops_no_scrape(tmp_path: Path) -> None:
    with own_meter(tmp_path) as meter:
        meter.ticked()
    (tmp_path / "counter_worker-1.db").touch()
    assert scrape(tmp_path).value("digest_ticks_total") == 1


def test_what_another_version_counted_under_other_labels_is_not_shown(tmp_path: Path) -> None:
    with own_meter(tmp_path) as meter:
        meter.ticked()
        from prometheus_client import Counter

        Counter("digest_forgotten", "Of an earlier version.", registry=None).inc()
        Counter("digest_ticks", "Had a label once.", ["place"], registry=None).labels("here").inc(7)
    assert "digest_forgotten" not in scrape(tmp_path).names
    assert scrape(tmp_path).value("digest_ticks_total") == 1
