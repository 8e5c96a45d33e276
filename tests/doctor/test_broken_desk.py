"""The doctor on an installation that nobody works in, or not on everything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from pipeline.checks.seen import Room
from pipeline.commands import doctor
from pipeline.examination import examination
from pipeline.pulse import owner_name
from pipeline.queues import ALL_QUEUES
from storage import providers, public_bots, runs, work, workers
from storage.records import Engine, Failure, NewRun, Period, WorkKind
from tests.doctor.ward import Ward, utc_now
from tests.support import make_spec

GIB = 1024**3


async def test_no_worker(ward: Ward) -> None:
    async with ward.write() as session:
        await workers.leave(session, "worker@here")
    report = await ward.doctor()
    assert report.code == 1
    assert report.faults == {
        "Workers": "✗ Workers: none answers, so nobody does the work. Start one with ./run_worker.sh."
    }


async def test_a_queue_that_nobody_serves(ward: Ward) -> None:
    await ward.work(queues=tuple(queue for queue in ALL_QUEUES if queue != "summarize"))
    report = await ward.doctor()
    assert report.code == 1
    assert report.faults.keys() == {"Workers"}
    assert (
        "nobody serves the queue: summarize. Start a worker for it: ./run_worker.sh --queues summarize"
        in (report.faults["Workers"])
    )


async def test_a_worker_that_was_killed_is_a_warning_while_others_serve_its_queues(ward: Ward) -> None:
    await ward.work(name="old@there", seen_at=utc_now() - timedelta(minutes=3))
    report = await ward.doctor()
    assert report.code == 0
    assert "! Workers: old@there has been silent for 3 min" in report.about("Workers")


@pytest.mark.parametrize(
    ("role", "name", "start"), [("tick", "Tick", "./run_worker.sh"), ("bot", "Bot", "./run_bot.sh")]
)
async def test_a_role_that_nobody_has(ward: Ward, role: str, name: str, start: str) -> None:
    async with ward.write() as session:
        await workers.free_roles_of(session, await workers.role_owners(session))
        other = {"tick": "bot", "bot": "tick"}[role]
        now = utc_now()
        await workers.take_role(session, other, owner_name(), now + timedelta(minutes=2), timedelta(seconds=10))
    report = await ward.doctor()
    assert report.code == 1
    assert report.faults.keys() == {name}
    assert start in report.faults[name]


async def test_a_tick_that_stands_still(ward: Ward) -> None:
    long_ago = utc_now() - timedelta(minutes=10)
    async with ward.write() as session:
        await workers.free_roles_of(session, await workers.role_owners(session))
        await workers.take_role(session, "tick", owner_name(), long_ago, timedelta())
        await workers.take_role(session, "bot", owner_name(), utc_now() + timedelta(minutes=2), timedelta())
    report = await ward.doctor()
    assert report.code == 1
    assert report.faults.keys() == {"Tick"}
    assert "nobody has done it for 10 min" in report.faults["Tick"]


async def test_a_full_disk(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examination", partial(examination, room=of_size(100 * 1024**2)))
    report = await ward.doctor()
    assert report.code == 1
    assert report.faults.keys() == {"Disk"}
    assert f"only 100 MiB are free at {ward.folder}, less than 200. Make room" in report.faults["Disk"]


async def test_a_disk_that_fills_is_a_warning(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examination", partial(examination, room=of_size(GIB // 2)))
    report = await ward.doctor()
    assert report.code == 0
    assert "! Disk: 512 MiB are free at" in report.about("Disk")


def of_size(free: int) -> Callable[[Path], Room]:
    return lambda folder: Room(str(folder), free, 100 * GIB)


@pytest.mark.parametrize(("seconds", "said"), [(12, "12 s ahead of"), (-12, "12 s behind")])
async def test_a_clock_that_is_wrong(ward: Ward, monkeypatch: pytest.MonkeyPatch, seconds: int, said: str) -> None:
    monkeypatch.setattr(doctor, "examination", partial(examination, now=lambda: utc_now() + timedelta(seconds=seconds)))
    report = await ward.doctor()
    assert report.code == 1
    for other in ("Redis", "Telegram", "127.0.0.1"):
        assert any(said in line and other in line for line in report.faults["Clock"].splitlines()), report.lines
    assert "Let both follow a time server" in report.faults["Clock"]


async def test_a_schedule_that_nobody_keeps(ward: Ward) -> None:
    async with ward.write() as session:
        spec = make_spec("city", schedule="* * * * *", token_env="SOME_TOKEN")
        await public_bots.apply(session, spec, None, utc_now() - timedelta(minutes=10))
    report = await ward.doctor()
    assert report.code == 1
    assert report.faults.keys() == {"Schedules"}
    assert "the digest of city should have been begun" in report.faults["Schedules"]


async def test_work_that_waits_for_long_is_a_warning(ward: Ward) -> None:
    long_ago = utc_now() - timedelta(minutes=20)
    async with ward.write() as session:
        bot = await public_bots.by_slug(session, "city")
        assert bot is not None
        period = Period(long_ago - timedelta(days=1), long_ago)
        run, _ = await runs.create(
            session, NewRun(bot.id, period, 5, Engine.CELERY, "fake", "fake-1", "test"), long_ago
        )
        await work.add(session, run.id, WorkKind.CATEGORIZE, [[1]], long_ago)
    report = await ward.doctor()
    assert report.code == 0
    assert "! Queues: the oldest work in categorize has waited for 20 min (waiting: 0)" in report.about("Queues")


async def test_a_model_that_runs_still_wait_for_is_a_warning(ward: Ward) -> None:
    async with ward.write() as session:
        await providers.block(session, "one", "gpt-4.1-mini", Failure("model.quota", {}), utc_now())
    report = await ward.doctor()
    assert report.code == 0
    assert "! Model: gpt-4.1-mini answers again, and runs still wait for it." in report.about("Model")
