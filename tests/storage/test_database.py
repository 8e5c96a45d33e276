"""How people write the address of a database, and that many may write at once."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

import storage.database
from storage import sources
from storage.database import BadDatabaseUrl, Database, database_url
from storage.models import SourceRow
from tests.support import NOON

HOME = Path("/home/desk")


@pytest.mark.parametrize(
    ("setting", "used"),
    [
        ("sqlite:///var/digest.db", "sqlite+aiosqlite:////home/desk/var/digest.db"),
        ("sqlite:////srv/digest.db", "sqlite+aiosqlite:////srv/digest.db"),
        ("postgresql://me:secret@db/digest", "postgresql+psycopg://me:secret@db/digest"),
        ("postgres://me@db:5433/digest?sslmode=require", "postgresql+psycopg://me@db:5433/digest?sslmode=require"),
        ("postgresql+asyncpg://me@db/digest", "postgresql+psycopg://me@db/digest"),
    ],
)
def test_an_address_as_people_write_it(setting: str, used: str) -> None:
    assert database_url(setting, HOME).render_as_string(hide_password=False) == used


@pytest.mark.parametrize("setting", ["", "digest.db", "mysql://me:secret@db/digest", "sqlite://", "sqlite:///:memory:"])
def test_an_address_that_cannot_be_used_is_refused_without_showing_its_password(setting: str) -> None:
    with pytest.raises(BadDatabaseUrl, match=r"^database\.url ") as refused:
        database_url(setting, HOME)
    assert "secret" not in str(refused.value)


async def test_two_hundred_read_and_write_the_same_row_and_nothing_is_lost(any_database: Database) -> None:
    async with any_database.write() as session:
        source = await sources.ensure_file_source(session, "wire", title="0", now=NOON)

    async def add_one() -> None:
        async with any_database.write() as session:
            query = select(SourceRow).where(SourceRow.id == source.id).with_for_update()
            row = (await session.execute(query)).scalar_one()
            await asyncio.sleep(0)
            row.title = str(int(row.title) + 1)

    await asyncio.gather(*(add_one() for _ in range(200)))
    async with any_database.read() as session:
        (overview,) = await sources.overview(session)
    assert overview.source.title == "200"


async def test_readers_do_not_wait_for_a_writer_and_see_nothing_half_done(any_database: Database) -> None:
    async with any_database.write() as writing:
        await sources.ensure_file_source(writing, "wire", now=NOON)
        async with any_database.read() as reading:
            assert await sources.by_name(reading, "wire") is None
    async with any_database.read() as reading:
        assert await sources.by_name(reading, "wire") is not None


SLOW_TO_SHOW_ITS_FIRST_ROW = """
    WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 500000)
    SELECT (SELECT max(number) FROM numbers) FROM sources
"""


async def test_a_writer_that_is_cancelled_while_it_reads_holds_up_nobody(any_database: Database) -> None:
    reading = asyncio.Event()

    async def write_and_read() -> None:
        async with any_database.write() as session:
            await sources.ensure_file_source(session, "wire", title="cancelled", now=NOON)
            await sources.ensure_file_source(session, "news", title="cancelled", now=NOON)
            reading.set()
            await session.execute(text(SLOW_TO_SHOW_ITS_FIRST_ROW))

    writing = asyncio.create_task(write_and_read())
    await reading.wait()
    await asyncio.sleep(0.05)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await writing
    async with any_database.write() as session:
        await sources.ensure_file_source(session, "wire", title="the next", now=NOON)
    async with any_database.read() as session:
        assert [one.source.title for one in await sources.overview(session)] == ["the next"]
    assert cancelled.tb  # whose frames still know the cursor


async def test_what_sqlite_says_is_committed_is_on_the_disk(database: Database) -> None:
    async with database.write() as session:
        pragmas = {
            name: (await session.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


async def test_a_task_that_was_started_outside_knows_of_no_session(any_database: Database) -> None:
    inside, looked = asyncio.Event(), asyncio.Event()

    async def hold() -> bool:
        async with any_database.read():
            inside.set()
            await looked.wait()
            return Database.has_open_session()

    holding = asyncio.create_task(hold())
    await inside.wait()
    assert not Database.has_open_session()
    looked.set()
    assert await holding


async def test_who_queued_behind_one_that_waits_in_vain_does_not_begin_to_wait_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten who want to write while another program holds the file wait once, not ten times as long."""
    monkeypatch.setattr(storage.database, "BUSY_TIMEOUT_MS", 1500)
    impatient = Database(database.url)

    async def write() -> None:
        async with impatient.write() as session:
            await sources.ensure_file_source(session, "wire", now=NOON)

    async with database.write() as session:
        await sources.by_name(session, "wire")  # a transaction begins with its first statement
        began = time.monotonic()
        failures = await asyncio.gather(*(write() for _ in range(10)), return_exceptions=True)
        waited_s = time.monotonic() - began
    assert {type(failure) for failure in failures} == {OperationalError}
    assert waited_s < 10, "ten times a second and a half is fifteen"
    await write()
    await impatient.close()
