"""Self-tests, what a task works for, and looking at a database without touching it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL, text

from storage import digests, looking, public_bots, ringing, runs, self_tests, task_runs, work, workers
from storage.database import Database
from storage.records import Digest, Engine, Failure, NewRun, Period, RunOfTask, WorkKind
from storage.schema import migrate
from tests.support import NOON, make_spec

LONG_AGO = NOON - timedelta(minutes=5)
OPEN = timedelta(minutes=2)


async def test_who_asks_while_a_self_test_goes_on_gets_the_same_one(any_database: Database) -> None:
    async with any_database.write() as session:
        first, is_new = await self_tests.ask(session, NOON, NOON - OPEN)
        assert is_new
        assert await self_tests.ask(session, NOON, NOON - OPEN) == (first, False)
        await self_tests.finish(session, first.id, NOON, None, model="m", duration_ms=5)
        second, is_new = await self_tests.ask(session, NOON, NOON - OPEN)
        assert is_new
        assert second.id != first.id


async def test_one_that_was_left_over_is_nobodys(any_database: Database) -> None:
    async with any_database.write() as session:
        old, _ = await self_tests.ask(session, LONG_AGO, LONG_AGO - OPEN)
        new, is_new = await self_tests.ask(session, NOON, NOON - OPEN)
        assert is_new
        assert not await self_tests.begin(session, old.id, "w@here", NOON, NOON - OPEN)
        assert await self_tests.begin(session, new.id, "w@here", NOON, NOON - OPEN)


async def test_one_worker_begins_however_many_try(any_database: Database) -> None:
    async with any_database.write() as session:
        asked, _ = await self_tests.ask(session, NOON, NOON - OPEN)

    async def begin(number: int) -> bool:
        async with any_database.write() as session:
            return await self_tests.begin(session, asked.id, f"w{number}@here", NOON, NOON - OPEN)

    begun = await asyncio.gather(*(begin(number) for number in range(8)))
    assert sum(begun) == 1
    async with any_database.read() as session:
        found = await self_tests.find(session, asked.id)
    assert found is not None
    assert found.worker == f"w{begun.index(True)}@here"
    assert found.started_at == NOON


async def test_whoever_ends_it_first_has_the_last_word(any_database: Database) -> None:
    lost = Failure("selftest.worker_lost", {"worker": "w@here"})
    async with any_database.write() as session:
        asked, _ = await self_tests.ask(session, NOON, NOON - OPEN)
        await self_tests.begin(session, asked.id, "w@here", NOON, NOON - OPEN)
        assert await self_tests.finish(session, asked.id, NOON, lost)
        assert not await self_tests.finish(session, asked.id, NOON, None, model="m", duration_ms=5)
        found = await self_tests.find(session, asked.id)
    assert found is not None
    assert found.failure == lost
    assert found.model is None
    assert found.worker == "w@here"


async def test_a_task_is_told_by_run_and_bot(any_database: Database) -> None:
    period = Period(LONG_AGO, NOON)
    async with any_database.write() as session:
        await public_bots.apply(session, make_spec("city"), None, NOON)
        bot = await public_bots.by_slug(session, "city")
        assert bot is not None
        run, _ = await runs.create(session, NewRun(bot.id, period, 5, Engine.CELERY, "fake", "fake-1", "test"), NOON)
        await work.add(session, run.id, WorkKind.CATEGORIZE, [[1], [2]], NOON)
        (first, second) = [ring.work_id for ring in await ringing.due(session, Engine.CELERY, NOON, 10)]
        await digests.save(session, Digest(run.id, "city", "City", "en", "UTC", period, ()), bot.id, NOON)
        (digest_id,) = (await session.execute(text("SELECT id FROM digests"))).scalars()
    asked = {
        ("process_bot_digest", run.id), ("categorize_posts", first), ("categorize_posts", 999),
        ("deliver_digest", digest_id), ("test_ai_service", 1), ("somebody_elses", 1),
    }  # fmt: skip
    async with any_database.read() as session:
        found = await task_runs.runs_of_tasks(session, asked)
    ours = RunOfTask(run.id, "city")
    assert found == {
        ("process_bot_digest", run.id): ours,
        ("categorize_posts", first): ours,
        ("deliver_digest", digest_id): ours,
    }
    assert second != first


async def test_a_look_sees_the_schema_and_the_rows(any_url: URL) -> None:
    await migrate(any_url)
    writing = Database(any_url)
    async with writing.write() as session:
        await workers.take_role(session, "tick", "here", NOON, timedelta(seconds=10))
    opened = looking.to_look_at(any_url)
    seen = await looking.look(any_url, opened)
    assert seen.is_current
    assert seen.is_known
    assert seen.unwritable is None
    async with opened.read() as session:
        assert (await looking.leases(session))["tick"].owner == "here"
        assert await looking.installation_name(session) is None
        assert await looking.paused_with_token(session) == 0
    await opened.close()
    await writing.close()


async def test_a_look_at_what_has_no_tables_makes_none(any_url: URL) -> None:
    if any_url.get_backend_name() == "sqlite":
        await migrate(any_url)
        opened = Database(any_url)
        async with opened.write() as session:
            await session.execute(text("DROP TABLE alembic_version"))
        await opened.close()
    opened = looking.to_look_at(any_url)
    for _ in range(2):
        seen = await looking.look(any_url, opened)
        assert seen.revision is None
        assert not seen.is_current
    await opened.close()


async def test_nothing_can_be_written_through_a_look_at_a_file(database: Database) -> None:
    opened = looking.to_look_at(database.url)
    with pytest.raises(Exception, match=r"readonly|query_only|read-only"):
        async with opened.write() as session:
            await session.execute(text("DELETE FROM leases"))
    await opened.close()


async def test_a_path_may_hold_what_means_something_in_a_url(tmp_path: Path) -> None:
    folder = tmp_path / "100% of #1 ? & more"
    folder.mkdir()
    url = URL.create("sqlite+aiosqlite", database=str(folder / "digest.db"))
    await migrate(url)
    opened = looking.to_look_at(url)
    seen = await looking.look(url, opened)
    assert seen.is_current, seen
    assert seen.unwritable is None
    await opened.close()
    assert [file.name for file in folder.iterdir()] == ["digest.db"]


def test_a_password_is_no_part_of_a_place() -> None:
    url = URL.create("postgresql+psycopg", "me", "s3cret", "db.host", 5432, "digest", {"password": "s3cret"})
    assert looking.place_of(url) == "postgresql://me:***@db.host:5432/digest"
