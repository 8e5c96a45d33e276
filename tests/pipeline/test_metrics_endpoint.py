"""The endpoint: it answers whatever is away, on its one port, and costs nothing where it is off."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pipeline.adapters.metrics import collecting
from pipeline.adapters.metrics.endpoint import Endpoint
from pipeline.celery_app import make_worker_app
from pipeline.errors import BrokerUnavailable
from pipeline.meter import Meter, Situation, TaskOutcome
from pipeline.services import observing
from pipeline.services.observing import Lookout
from pipeline.tasks import register_tasks
from pipeline.wiring import open_process
from settings import HOME, Settings
from storage.database import Database
from storage.records import WorkKind
from tests.meters import RecordingMeter
from tests.processes import until
from tests.scraping import Scrape, fetch, free_port
from tests.support import FakeDoorbell, make_settings, make_tools

OF_ROWS = {"digest_runs_going_on", "digest_workers", "digest_oldest_task_age_seconds", "digest_tick_held"}


@pytest.fixture
def port() -> int:
    return free_port()


@asynccontextmanager
async def serving(folder: Path, port: int, look: collecting.Look) -> AsyncIterator[Endpoint]:
    endpoint = Endpoint(folder, "worker", "127.0.0.1", port)
    endpoint.start(look)
    try:
        yield endpoint
    finally:
        await endpoint.close()


async def answers(port: int) -> bool:
    try:
        await fetch(port)
    except OSError:
        return False
    return True


async def scraped(port: int) -> Scrape:
    """What it says, as soon as it is there."""
    await until(lambda: answers(port), "an answer of the endpoint")
    return await fetch(port)


async def test_it_tells_how_the_installation_is(database: Database, tmp_path: Path, port: int) -> None:
    doorbell = FakeDoorbell()
    doorbell.queue_depths = {"categorize": 3, "deliver": 0}
    look = Lookout(make_tools(database, doorbell=doorbell), tmp_path).look
    async with serving(tmp_path / "metrics", port, look):
        seen = await scraped(port)
    assert seen.value("digest_queue_depth", queue="categorize") == 3
    assert seen.value("digest_database_up") == seen.value("digest_broker_up") == 1
    assert seen.value("digest_disk_free_bytes") > 0
    assert seen.value("digest_process_resident_memory_bytes", process="worker-0") > 10_000_000
    assert seen.shown >= OF_ROWS


async def test_redis_away_is_said_and_the_rest_is_told(database: Database, tmp_path: Path, port: int) -> None:
    doorbell = FakeDoorbell()
    doorbell.unreachable = BrokerUnavailable("connection refused")
    look = Lookout(make_tools(database, doorbell=doorbell), tmp_path).look
    async with serving(tmp_path / "metrics", port, look):
        seen = await scraped(port)
    assert seen.labels("digest_broker_up") == [{}]
    assert seen.value("digest_broker_up") == 0
    assert "digest_queue_depth" not in seen.shown
    assert seen.shown >= OF_ROWS


async def test_without_a_broker_there_is_none_to_be_away(database: Database, tmp_path: Path, port: int) -> None:
    tools = make_tools(database, settings=make_settings(engine={"mode": "local"}))
    async with serving(tmp_path / "metrics", port, Lookout(tools, tmp_path).look):
        assert "digest_broker_up" not in (await scraped(port)).shown


async def test_a_database_that_hangs_is_asked_once_and_every_scrape_answers_in_time(
    database: Database, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    answer = asyncio.Event()

    async def hang(tools: object) -> None:
        asked.append(tools)
        await answer.wait()

    monkeypatch.setattr(observing, "_stored", hang)
    monkeypatch.setattr(observing, "DEADLINE_S", 0.1)
    async with serving(tmp_path / "metrics", port, Lookout(make_tools(database), tmp_path).look):
        for _ in range(3):
            seen = await scraped(port)
            assert seen.labels("digest_database_up") == [{}]
            assert seen.value("digest_database_up") == 0
            assert not OF_ROWS & seen.shown
            assert "digest_ticks_total" in seen.shown, "what was counted is told all the same"
        assert len(asked) == 1
        answer.set()


async def test_the_database_itself_being_away_is_said(tmp_path: Path, postgres_url: str, port: int) -> None:
    from storage.database import database_url

    gone = Database(database_url(postgres_url, HOME).set(port=free_port()))
    async with serving(tmp_path / "metrics", port, Lookout(make_tools(gone), tmp_path).look):
        seen = await scraped(port)
    await gone.close()
    assert seen.labels("digest_database_up") == [{}]
    assert seen.value("digest_database_up") == 0
    assert not OF_ROWS & seen.shown


async def test_an_event_loop_that_hangs_is_waited_for_no_longer_than_a_scrape_may_take(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked from a process whose loop stands still: the endpoint's threads answer without it."""
    monkeypatch.setattr(collecting, "DEADLINE_S", 0.2)

    async def look() -> Situation:
        return Situation()

    async with serving(tmp_path / "metrics", port, look):
        await scraped(port)
        command = [sys.executable, "-c", f"import tests.scraping as s; print(s.get({port}, 30))"]
        asking = subprocess.Popen(command, cwd=HOME, stdout=subprocess.PIPE, text=True)
        said, _ = asking.communicate(timeout=60)  # this holds up our loop
    assert Scrape(said).labels("digest_database_up") == [{}]
    assert "digest_ticks_total" in Scrape(said).shown


async def test_a_port_that_somebody_else_has_is_one_warning_and_served_when_it_is_free(
    tmp_path: Path, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def look() -> Situation:
        return Situation()

    foreign = socket.socket()
    foreign.bind(("127.0.0.1", port))
    foreign.listen()
    async with serving(tmp_path / "metrics", port, look) as endpoint:
        await until(lambda: f"port {port}" in caplog.text, "the warning")
        endpoint._may_try_at = 0.0
        await until(lambda: endpoint._may_try_at > 0, "another try")
        assert [one.levelno for one in caplog.records].count(logging.WARNING) == 1
        foreign.close()
        endpoint._may_try_at = 0.0
        assert (await scraped(port)).names


async def test_a_client_that_says_nothing_holds_nobody_up(tmp_path: Path, port: int) -> None:
    async def look() -> Situation:
        return Situation()

    async with serving(tmp_path / "metrics", port, look):
        await scraped(port)
        with socket.create_connection(("127.0.0.1", port)):
            assert (await fetch(port)).names


def settings(folder: Path, port: int) -> Settings:
    return make_settings(
        database={"url": f"sqlite:///{folder}/digest.db"}, metrics={"port": port}, engine={"mode": "local"}
    )


async def test_two_installations_on_one_machine_do_not_mix(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGEST_METRICS_DIR", str(tmp_path / "metrics"))
    for name in ("mine", "another"):
        (tmp_path / name).mkdir()
        async with open_process(settings(tmp_path / name, port), "bot") as process:
            process.tools.meter.ticked()
            assert (await scraped(port)).value("digest_ticks_total") == 1
    assert len(list((tmp_path / "metrics").iterdir())) == 2


async def test_a_folder_that_cannot_be_used_stops_nobody(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DIGEST_METRICS_DIR", str(tmp_path / "file"))
    async with open_process(settings(tmp_path, port), "bot") as process:
        process.tools.meter.ticked()
    assert "counts nothing for the metrics" in caplog.text


OFF = """
import asyncio, sys
from pipeline.wiring import open_process
from tests.support import make_settings
async def main():
    settings = make_settings(database={"url": f"sqlite:///{sys.argv[1]}/digest.db"}, engine={"mode": "local"})
    async with open_process(settings, "worker", with_local_engine=True):
        assert "prometheus_client" not in sys.modules
        assert not [name for name in sys.modules if name.startswith("pipeline.adapters.metrics")]
asyncio.run(main())
"""


def test_where_there_are_no_metrics_nothing_of_them_is_imported_or_written(tmp_path: Path) -> None:
    environment = {**os.environ, "DIGEST_METRICS_DIR": str(tmp_path / "metrics"), "PYTHONPATH": str(HOME)}
    command = [sys.executable, "-c", OFF, str(tmp_path)]
    done = subprocess.run(command, cwd=HOME, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "metrics").exists()


class Broken:
    """Behaves as a worker does that lost its database before it could look a run up."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter

    def plan_of(self, run_id: int) -> int | None:
        raise ZeroDivisionError

    def perform(self, kind: WorkKind, work_id: int) -> None:
        """It counts by itself."""

    def deliver(self, digest_id: int) -> None:
        """It counts by itself."""

    def test_model(self, self_test_id: int) -> None:
        """It counts by itself."""


def test_messages_that_are_none_of_ours_and_errors_at_the_door_are_counted() -> None:
    meter = RecordingMeter()
    app = make_worker_app("redis://127.0.0.1:1/0")
    register_tasks(app, Broken(meter))
    app.tasks["categorize_posts"]("a post from elsewhere")
    app.tasks["process_bot_digest"](1)
    assert meter.tasks == {
        ("categorize_posts", TaskOutcome.DROPPED): 1,
        ("process_bot_digest", TaskOutcome.FAILED): 1,
    }
