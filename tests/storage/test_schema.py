"""The schema comes about by itself at every start, and a database of a newer version is left alone."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, inspect, text

from settings import HOME
from storage import public_bots
from storage.database import Database, database_url
from storage.models import Base
from storage.schema import (
    DatabaseUnreachable,
    SchemaTooNew,
    known_revisions,
    migrate,
    migrate_now,
    migration_config,
)
from tests.storage.full_database import connected

MIGRATE = """
import asyncio, sys
from pathlib import Path
from storage.database import database_url
from storage.schema import migrate
print("ready", flush=True)
sys.stdin.readline()
asyncio.run(migrate(database_url(sys.argv[1], Path("/"))))
"""


def head() -> str:
    return str(ScriptDirectory(str(HOME / "storage" / "migrations")).get_current_head())


async def test_an_empty_database_becomes_what_the_code_expects(any_url: URL) -> None:
    await migrate(any_url)
    with connected(any_url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
        assert set(inspect(connection).get_table_names()) == {*Base.metadata.tables, "alembic_version"}


async def test_partial_indexes_are_partial(any_url: URL) -> None:
    """compare_metadata does not look at the condition of an index."""
    await migrate(any_url)
    query = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
        if any_url.get_backend_name() == "sqlite"
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    )
    with connected(any_url) as connection:
        partial = {name for name, sql in connection.execute(text(query)) if sql and " WHERE " in sql.upper()}
    declared = {
        index.name
        for table in Base.metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is not None
    }
    assert partial == declared


def test_the_schemas_that_are_known_are_those_of_alembic() -> None:
    scripts = ScriptDirectory(str(HOME / "storage" / "migrations"))
    assert list(known_revisions()) == [script.revision for script in scripts.walk_revisions()][::-1]


def test_a_process_that_has_nothing_to_change_imports_no_alembic(any_url: URL) -> None:
    """It weighs as much as our tables, in each process."""
    migrate_now(any_url)
    program = (
        "import sys\n"
        "from sqlalchemy import make_url\n"
        "import pipeline.worker, telegram_bot.app\n"
        "from storage.schema import migrate_now\n"
        "migrate_now(make_url(sys.stdin.read()))\n"
        "print(*(module for module in ('alembic', 'mako') if module in sys.modules))"
    )
    url = any_url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", program], input=url, cwd=HOME, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


async def test_starting_again_changes_nothing(any_url: URL) -> None:
    await migrate(any_url)
    with connected(any_url) as connection:
        connection.execute(text("INSERT INTO leases (name, owner, until) VALUES ('tick', 'me', '2026-11-03 12:00:00')"))
    await migrate(any_url)
    with connected(any_url) as connection:
        assert connection.execute(text("SELECT owner FROM leases")).scalars().all() == ["me"]
        assert MigrationContext.configure(connection).get_current_revision() == head()


async def test_three_processes_may_start_at_once(any_url: URL) -> None:
    setting = any_url.set(drivername=any_url.get_backend_name()).render_as_string(hide_password=False)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, setting],
            cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], errors
    with connected(any_url) as connection:
        assert MigrationContext.configure(connection).get_current_heads() == (head(),)


async def test_whoever_comes_while_another_makes_the_file_waits(tmp_path: Path) -> None:
    """SQLite refuses the switch to WAL at once, whatever the busy timeout, while another process writes."""
    url = database_url(f"sqlite:///{tmp_path}/digest.db", HOME)
    with closing(sqlite3.connect(tmp_path / "digest.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        start = asyncio.create_task(migrate(url))
        done, _ = await asyncio.wait({start}, timeout=0.3)
        assert not done, f"it did not wait: {start.exception()}"
        other.execute("CREATE TABLE of_the_other (id INTEGER)")
        other.execute("COMMIT")
    await asyncio.wait_for(start, 20)
    with connected(url) as connection:
        assert MigrationContext.configure(connection).get_current_revision() == head()
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


async def test_a_database_of_a_newer_version_is_refused_and_stays_as_it_is(any_url: URL) -> None:
    await migrate(any_url)
    with connected(any_url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_from_tomorrow'"))
    with pytest.raises(SchemaTooNew, match=f"9999_from_tomorrow.*newer version.*{head()}"):
        await migrate(any_url)
    with connected(any_url) as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "9999_from_tomorrow"


async def test_every_step_can_be_taken_back_and_done_again(any_url: URL) -> None:
    await migrate(any_url)
    with connected(any_url) as connection:
        command.downgrade(migration_config(connection), "base")
    with connected(any_url) as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    await migrate(any_url)
    with connected(any_url) as connection:
        assert set(inspect(connection).get_table_names()) == {*Base.metadata.tables, "alembic_version"}


OLD_BOT = """
INSERT INTO public_bots (slug, title, language, timezone, max_posts_per_digest, categorization_prompt,
                         summarization_prompt, categories, schedule, created_at, updated_at)
VALUES ('city', 'City news', 'en', 'UTC', 5, '', '', '[]', '0 9 * * *', '2026-01-01 00:00:00', '2026-01-01 00:00:00')
"""


async def test_a_schedule_that_was_only_stored_comes_into_force_with_the_upgrade_and_not_before(any_url: URL) -> None:
    """Otherwise every public bot would make a digest the moment the new version starts."""
    with connected(any_url) as connection:
        command.upgrade(migration_config(connection), "0001")
        connection.execute(text(OLD_BOT))
    await migrate(any_url)
    database = Database(any_url)
    async with database.read() as session:
        bot = await public_bots.by_slug(session, "city")
    await database.close()
    assert bot is not None
    assert bot.schedule_since is not None
    assert abs(datetime.now(UTC) - bot.schedule_since) < timedelta(minutes=1)
    assert (bot.is_paused, bot.has_token) == (False, False)


async def test_a_sqlite_file_is_its_owners_alone(tmp_path: Path) -> None:
    await migrate(database_url(f"sqlite:///{tmp_path}/new/folder/digest.db", HOME))
    assert (tmp_path / "new" / "folder" / "digest.db").stat().st_mode & 0o777 == 0o600


async def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatabaseUnreachable, match="cannot be opened"):
        await migrate(database_url(f"sqlite:///{tmp_path}/file/digest.db", HOME))


async def test_a_file_that_is_no_database_is_said_in_one_sentence_and_kept(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("these are notes, not a database" * 100)
    with pytest.raises(DatabaseUnreachable, match="not a database"):
        await migrate(database_url(f"sqlite:///{tmp_path}/notes.txt", HOME))
    assert (tmp_path / "notes.txt").read_text() == "these are notes, not a database" * 100


async def test_an_unreachable_server_is_said_without_its_password(tmp_path: Path) -> None:
    url = database_url("postgresql://desk:very-secret@127.0.0.1:1/digest", HOME)
    with pytest.raises(DatabaseUnreachable) as raised:
        await migrate(url)
    assert "very-secret" not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.__cause__ is None
