"""A backup is the whole database at one moment, or there is none; a restore is all of it, or nothing happened."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL, func, select, text

from settings import HOME
from storage import sources
from storage.backup import NothingToBackUp, back_up
from storage.backup_file import BadBackup, opened
from storage.database import Database, database_url
from storage.models import OperatorRow, SourceRow
from storage.operators import seen
from storage.records import Operator
from storage.restore import NotEmpty, is_broken, is_empty, restore, set_aside
from storage.schema import DatabaseUnreachable, known_revisions, migrate
from storage.signs import InUse
from tests.storage.full_database import Rows, connected, contents, fill, make_schema, surviving

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
HANGS_AFTER_THE_FIRST_TABLE = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from storage import backup_file
from storage.backup import back_up
from storage.database import database_url
write = backup_file.Writer.write
def hang(*args):
    write(*args)
    print("half", flush=True)
    time.sleep(600)
backup_file.Writer.write = hang
back_up(database_url(sys.argv[1], Path("/")), Path(sys.argv[2]), datetime.now(UTC))
"""


def nobody_is_dead(owner: str) -> bool:
    return False


def put_back(url: URL, path: Path) -> None:
    with opened(path) as backup:
        restore(url, backup, None, NOW, nobody_is_dead)


def without_signs(rows: Rows) -> Rows:
    """Who worked with the database when the backup was taken is not there any more; all else is."""
    return {name: one for name, one in rows.items() if name not in {"workers", "leases"}}


@pytest.fixture
def other_url(request: pytest.FixtureRequest, any_url: URL, tmp_path: Path) -> URL:
    """An empty database of the other kind."""
    if any_url.get_backend_name() == "sqlite":
        return database_url(request.getfixturevalue("postgres_url"), HOME)
    return database_url(f"sqlite:///{tmp_path}/other.db", HOME)


@pytest.fixture
def backup(any_url: URL, tmp_path: Path) -> Path:
    """A backup of a database with rows in every table."""
    make_schema(any_url, known_revisions()[-1])
    fill(any_url)
    back_up(any_url, tmp_path / "all.zip", NOW)
    return tmp_path / "all.zip"


def test_what_was_backed_up_is_restored_value_by_value(any_url: URL, backup: Path) -> None:
    before = contents(any_url)
    with connected(any_url) as connection:
        connection.execute(text("DELETE FROM deliveries"))
        connection.execute(text("UPDATE posts SET text = 'changed'"))
    put_back(any_url, backup)
    assert without_signs(contents(any_url)) == without_signs(before)


def test_a_backup_can_be_restored_to_the_other_kind_of_database(any_url: URL, other_url: URL, backup: Path) -> None:
    put_back(other_url, backup)
    assert without_signs(contents(other_url)) == without_signs(contents(any_url))


async def test_new_rows_find_their_numbers_after_a_restore(any_url: URL, other_url: URL, backup: Path) -> None:
    put_back(other_url, backup)
    database = Database(other_url)
    async with database.write() as session:
        source = await sources.ensure_file_source(session, "new", title="New", now=NOW)
    await database.close()
    assert source.id > 5


def test_a_backup_tells_what_it_is_of_and_is_its_owners_alone(any_url: URL, backup: Path) -> None:
    with opened(backup) as reader:
        about = reader.about
    assert about.revision == known_revisions()[-1]
    assert about.installation == "11111111-2222-3333-4444-555555555555"
    assert about.taken_at == NOW
    assert about.tables["posts"].rows == 5
    assert backup.stat().st_mode & 0o777 == 0o600


def test_a_backup_never_replaces_a_file(any_url: URL, backup: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(FileExistsError):
        back_up(any_url, backup, NOW)
    assert backup.read_bytes() == before
    assert list(backup.parent.glob(".*")) == []


def test_where_there_is_nothing_to_back_up_no_file_is_made(any_url: URL, tmp_path: Path) -> None:
    with pytest.raises(NothingToBackUp):
        back_up(any_url, tmp_path / "all.zip", NOW)
    assert not (tmp_path / "all.zip").exists()
    assert not (tmp_path / "digest.db").exists() or any_url.get_backend_name() == "sqlite"


async def _write_on(database: Database, number: int, stop: asyncio.Event) -> int:
    """A source and an operator in each transaction: there are always as many of these as of those."""
    done = 0
    while not stop.is_set():
        async with database.write() as session:
            await sources.ensure_file_source(session, f"{number}-{done}", title="T", now=NOW)
            await asyncio.sleep(0)
            await seen(session, Operator(number * 1_000_000 + done, "O", "en"), NOW)
        done += 1
    return done


async def test_a_backup_shows_one_moment_while_four_processes_write(any_url: URL, tmp_path: Path) -> None:
    await migrate(any_url)
    databases = [Database(any_url) for _ in range(4)]
    stop = asyncio.Event()
    writers = [asyncio.create_task(_write_on(one, number, stop)) for number, one in enumerate(databases, 1)]
    paths: list[Path] = []
    for number in range(5):
        while not paths and not await _has_rows(databases[0]):
            await asyncio.sleep(0.01)
        paths.append(tmp_path / f"{number}.zip")
        await asyncio.to_thread(back_up, any_url, paths[-1], NOW)
    stop.set()
    assert sum(await asyncio.gather(*writers)) > 20
    for one in databases:
        await one.close()
    for path in paths:
        with opened(path) as reader:
            assert 0 < reader.about.tables["sources"].rows == reader.about.tables["operators"].rows
    await asyncio.to_thread(put_back, any_url, paths[-1])
    with connected(any_url) as connection:
        counts = [
            connection.execute(select(func.count()).select_from(row)).scalar_one() for row in (SourceRow, OperatorRow)
        ]
    assert counts == [reader.about.tables["sources"].rows] * 2


async def _has_rows(database: Database) -> bool:
    async with database.read() as session:
        return (await session.execute(select(func.count()).select_from(SourceRow))).scalar_one() > 4


async def test_a_backup_that_is_killed_leaves_nothing_under_its_name(tmp_path: Path) -> None:
    setting = f"sqlite:///{tmp_path}/digest.db"
    await migrate(database_url(setting, HOME))
    command = [sys.executable, "-c", HANGS_AFTER_THE_FIRST_TABLE, setting, str(tmp_path / "all.zip")]
    with subprocess.Popen(command, cwd=HOME, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        os.kill(process.pid, signal.SIGKILL)
    assert not (tmp_path / "all.zip").exists()
    back_up(database_url(setting, HOME), tmp_path / "all.zip", NOW)


def test_an_older_backup_is_restored_and_brought_forward(any_url: URL, tmp_path: Path) -> None:
    make_schema(any_url, "0002")
    fill(any_url)
    back_up(any_url, tmp_path / "old.zip", NOW)
    old = contents(any_url)
    make_schema(any_url, "head")
    put_back(any_url, tmp_path / "old.zip")
    restored = contents(any_url)
    assert {"installation", "self_tests"} <= restored.keys()
    assert without_signs(surviving(restored, old)) == without_signs(old)


def test_a_backup_of_a_newer_schema_is_refused_and_says_what_is_needed(
    any_url: URL, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(any_url)
    monkeypatch.setattr("storage.restore.known_revisions", lambda: ["0001", "0002"])
    with pytest.raises(BadBackup, match=r"schema 0005.*version.*that made it, or a newer one.*0002"):
        put_back(any_url, backup)
    assert contents(any_url) == before


def test_a_restore_that_fails_in_the_middle_changes_nothing(
    any_url: URL, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(any_url)

    def fail(*_: object) -> None:
        raise RuntimeError("the machine was switched off")

    monkeypatch.setattr("storage.restore.wake_up", fail)
    with pytest.raises(RuntimeError):
        put_back(any_url, backup)
    assert contents(any_url) == before


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _turn_a_byte(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("tables/posts.jsonl")
    data = bytearray(path.read_bytes())
    data[member.header_offset + 60 + len(member.filename)] ^= 0xFF
    path.write_bytes(data)


def _put_notes_there(path: Path) -> None:
    path.write_text("these are notes")


@pytest.mark.parametrize("harm", [_cut, _turn_a_byte, _put_notes_there])
def test_a_damaged_backup_is_refused_and_the_database_stays(tmp_path: Path, harm: object) -> None:
    url = database_url(f"sqlite:///{tmp_path}/digest.db", HOME)
    make_schema(url, "head")
    fill(url)
    back_up(url, tmp_path / "all.zip", NOW)
    before = contents(url)
    harm(tmp_path / "all.zip")  # type: ignore[operator]
    with pytest.raises(BadBackup, match=r"damaged|lacks|no backup"):
        put_back(url, tmp_path / "all.zip")
    assert contents(url) == before


def test_a_database_of_somebody_else_is_left_alone(any_url: URL, other_url: URL, backup: Path) -> None:
    with connected(other_url) as connection:
        connection.execute(text("CREATE TABLE wages (id INTEGER)"))
    with pytest.raises(NotEmpty, match="wages"):
        put_back(other_url, backup)


def test_the_version_before_can_put_its_backup_in_the_place_of_a_newer_schema(any_url: URL, backup: Path) -> None:
    before = contents(any_url)
    with connected(any_url) as connection:
        connection.execute(text("CREATE TABLE moods (id INTEGER PRIMARY KEY, run_id INTEGER REFERENCES runs (id))"))
        connection.execute(text("INSERT INTO moods VALUES (1, 1)"))
        connection.execute(text("ALTER TABLE workers ADD COLUMN mood TEXT"))
        connection.execute(text("UPDATE alembic_version SET version_num = '9000'"))
    newer = backup.with_name("newer.zip")
    back_up(any_url, newer, NOW)
    put_back(any_url, backup)
    assert without_signs(contents(any_url)) == without_signs(before)
    with pytest.raises(BadBackup, match="schema 9000"):
        put_back(any_url, newer)


def test_nothing_is_restored_under_a_process_that_works(any_url: URL, backup: Path) -> None:
    with connected(any_url) as connection:
        connection.execute(
            text("UPDATE leases SET name = 'bot', until = :later WHERE name = (SELECT min(name) FROM leases)"),
            {"later": NOW + timedelta(seconds=5)},
        )
    before = contents(any_url)
    with pytest.raises(InUse, match="bot"):
        put_back(any_url, backup)
    assert contents(any_url) == before
    with opened(backup) as one:
        restore(any_url, one, None, NOW, lambda owner: True)


def test_a_broken_file_is_kept_under_another_name(tmp_path: Path) -> None:
    url = database_url(f"sqlite:///{tmp_path}/digest.db", HOME)
    make_schema(url, "head")
    fill(url)
    back_up(url, tmp_path / "all.zip", NOW)
    whole = contents(url)
    broken = bytearray((tmp_path / "digest.db").read_bytes())
    broken[4096:12288] = os.urandom(8192)
    (tmp_path / "digest.db").write_bytes(broken)
    assert is_broken(url)
    with pytest.raises(DatabaseUnreachable):
        back_up(url, tmp_path / "again.zip", NOW)
    kept = set_aside(url, ".broken")
    assert is_empty(url)
    put_back(url, tmp_path / "all.zip")
    assert without_signs(contents(url)) == without_signs(whole)
    assert kept.read_bytes() == bytes(broken)
    assert not is_broken(url)
