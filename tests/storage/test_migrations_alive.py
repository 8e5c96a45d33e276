"""The schema of the next version comes while processes of this one work: they go on, and nothing they write is lost."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import URL, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.pulse import Pulse
from settings import HOME
from storage import schema, workers
from storage.database import Database, database_url
from storage.models import StrangerRow, WorkerRow
from storage.records import Worker
from storage.schema import SchemaTooNew, known_revisions, migrate, migrate_now, revision_in
from storage.strangers import note
from tests.processes import until
from tests.storage.full_database import MANY, connected, fill, step_down
from tests.support import NOON, make_tools

NEXT = '''
"""What a next version may do: add a column that may be empty, and a table."""
import sqlalchemy as sa
from alembic import op
revision = "9000"
down_revision = "HEAD"
branch_labels = depends_on = None
def upgrade() -> None:
    op.add_column("workers", sa.Column("mood", sa.Text(), nullable=True))
    op.add_column("strangers", sa.Column("weight", sa.Integer(), server_default="7", nullable=False))
    op.create_table("moods", sa.Column("id", sa.Integer(), primary_key=True))
def downgrade() -> None:
    op.drop_table("moods")
    op.drop_column("strangers", "weight")
    op.drop_column("workers", "mood")
'''


@pytest.fixture
def next_version(tmp_path: Path) -> Path:
    """The migrations of a version that knows one more schema than this one."""
    folder = tmp_path / "next"
    shutil.copytree(schema.MIGRATIONS, folder)
    (folder / "versions" / "9000_next.py").write_text(NEXT.replace("HEAD", known_revisions()[-1]))
    return folder


def start_next_version(url: URL, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the next version does when it starts."""
    with monkeypatch.context() as context:
        context.setattr(schema, "MIGRATIONS", folder)
        migrate_now(url)


async def _write_on(database: Database, number: int, stop: asyncio.Event) -> int:
    """As a worker of this version writes: rows that are added and rows that are changed."""
    done = 0
    while not stop.is_set():
        async with database.write() as session:
            await note(session, {number * 1_000_000 + done: 1}, NOON)
            await workers.beat(session, Worker(f"w{number}", "host", number, ("q",), done, NOON, NOON))
        async with database.read() as session:
            await workers.everyone(session)
        done += 1
    return done


async def test_processes_of_this_version_work_on_while_the_next_one_changes_the_schema(
    any_database: Database, any_url: URL, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [Database(any_url) for _ in range(4)]
    stop = asyncio.Event()
    writers = [asyncio.create_task(_write_on(one, number, stop)) for number, one in enumerate(others, 1)]
    for wanted in (20, 60):
        while await _strangers(any_database) < wanted:
            await asyncio.sleep(0.01)
        if wanted == 20:
            await asyncio.to_thread(start_next_version, any_url, next_version, monkeypatch)
    stop.set()
    written = await asyncio.gather(*writers)
    for one in others:
        await one.close()
    assert await _strangers(any_database) == sum(written)
    async with any_database.read() as session:
        last = dict((await session.execute(select(WorkerRow.name, WorkerRow.concurrency))).all())
        weights = (await session.execute(text("SELECT DISTINCT weight FROM strangers"))).scalars().all()
    assert last == {f"w{number}": done - 1 for number, done in enumerate(written, 1)}
    assert weights == [7]


async def _strangers(database: Database) -> int:
    async with database.read() as session:
        return (await session.execute(select(func.count()).select_from(StrangerRow))).scalar_one()


async def test_a_process_of_this_version_says_once_that_the_schema_has_moved_on(
    any_database: Database, any_url: URL, next_version: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    looks = 0

    async def look(session: AsyncSession) -> str | None:
        nonlocal looks
        looks += 1
        return await revision_in(session)

    monkeypatch.setattr(schema, "revision_in", look)
    monkeypatch.setattr("pipeline.pulse.SCHEMA_EVERY_S", 0.05)
    said = "The database has schema 9000 now"
    pulse = Pulse(make_tools(any_database), None)
    pulse.start()
    await asyncio.to_thread(start_next_version, any_url, next_version, monkeypatch)
    await until(lambda: any(said in message for message in caplog.messages), "the line in the log")
    seen = looks
    await until(lambda: looks > seen + 3, "more looks")
    await pulse.stop()
    assert len([message for message in caplog.messages if "database has schema" in message]) == 1


async def test_this_version_does_not_start_on_the_next_ones_schema(
    any_database: Database, any_url: URL, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(start_next_version, any_url, next_version, monkeypatch)
    with pytest.raises(SchemaTooNew, match="9000"):
        await migrate(any_url)


async def test_who_changes_a_table_does_not_hold_up_everybody_behind_a_long_reader(
    postgres_url: str, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL a waiting ALTER TABLE stops all who come later: it gives up, lets them through, and tries again."""
    url = database_url(postgres_url, HOME)
    await migrate(url)
    monkeypatch.setattr(schema, "TAKING_TABLES_MS", 200)
    monkeypatch.setattr(schema, "TRY_AGAIN_EVERY_S", 0.2)
    database = Database(url)
    with connected(url) as reader:
        reader.execute(text("SELECT count(*) FROM workers"))
        start = threading.Thread(target=start_next_version, args=(url, next_version, monkeypatch))
        start.start()
        for number in range(10):
            async with database.write() as session:
                await workers.beat(session, Worker(f"w{number}", "host", 1, ("q",), 1, NOON, NOON))
            await asyncio.sleep(0.1)
        assert start.is_alive()
    start.join(30)
    await database.close()
    with connected(url) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9000"


@pytest.mark.slow
async def test_no_step_keeps_ten_thousand_posts_locked_for_longer_than_writers_wait(any_url: URL) -> None:
    """A writer waits ten seconds before it takes the database for gone."""
    await migrate(any_url)
    fill(any_url, {**MANY, "deliveries": 50_000, "run_posts": 10_000, "model_calls": 20_000})
    for revision in reversed(known_revisions()[1:-1]):
        step_down(any_url, revision)
        started = time.monotonic()
        await migrate(any_url)
        assert time.monotonic() - started < 10
