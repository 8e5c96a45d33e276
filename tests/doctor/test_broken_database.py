"""The doctor on a database that is away, of another version, or cannot be written; and that it touches none."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from sqlalchemy import text

from settings import HOME
from storage.database import database_url
from storage.schema import migrate
from tests.doctor.ward import Ward, written


def set_schema(ward: Ward, revision: str) -> None:
    with closing(sqlite3.connect(ward.file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def put_something_else_there(ward: Ward) -> None:
    for file in ward.folder.glob("digest.db*"):
        file.unlink()
    ward.file.write_text("This is no database. " * 100)


def drop_all_tables(ward: Ward) -> None:
    ward.file.unlink()
    with closing(sqlite3.connect(ward.file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def name_a_folder_that_is_a_file(ward: Ward) -> None:
    ward.variables["DATABASE__URL"] = f"sqlite:///{ward.file}/folder/digest.db"


def name_a_server_that_is_away(ward: Ward) -> None:
    ward.variables["DATABASE__URL"] = "postgresql://me:N5pDatabasePassword8c@127.0.0.1:1/name"


BREAKAGES: dict[str, tuple[Callable[[Ward], None], str]] = {
    "newer": (
        lambda ward: set_schema(ward, "9999"),
        "it has schema 9999, which this version does not know (it has 0005). Start the newer version",
    ),
    "behind": (
        lambda ward: set_schema(ward, "0003"),
        "it has schema 0003, and this version needs 0005. It is brought up at the next start",
    ),
    "empty": (drop_all_tables, "has no tables yet; they are made at the first start of ./run_worker.sh"),
    "something else": (put_something_else_there, "cannot be opened: file is not a database"),
    "nowhere": (name_a_folder_that_is_a_file, "none can be made: "),
    "away": (name_a_server_that_is_away, "Start the database server, or correct database.url."),
}


@pytest.mark.parametrize("what", BREAKAGES)
async def test_what_is_wrong_with_the_database_is_named(ward: Ward, what: str) -> None:
    breaks, said = BREAKAGES[what]
    breaks(ward)
    report = await ward.doctor()
    assert report.code == 1
    assert report.faults.keys() == {"Database"}
    assert said in report.about("Database")
    assert "N5pDatabasePassword8c" not in report.about("Database")
    assert "– Deliveries: not looked at, because the database cannot be read." in report.lines


async def test_a_database_that_another_process_keeps_locked(ward: Ward) -> None:
    with closing(sqlite3.connect(ward.file)) as other:
        other.execute("BEGIN IMMEDIATE")
        report = await ward.doctor()
        other.rollback()
    assert report.code == 1
    assert report.faults.keys() == {"Database"}
    assert "another process keeps it locked" in report.faults["Database"]
    assert "if another program holds it, end that one" in report.faults["Database"]
    assert "every queue is served" in report.about("Workers"), "it can be read all the same"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_may_not_be_written(ward: Ward) -> None:
    ward.folder.chmod(0o500)
    try:
        report = await ward.doctor()
    finally:
        ward.folder.chmod(0o700)
    assert report.code == 1
    assert f"{ward.folder} cannot be written to" in report.faults["Database"]


async def test_a_file_that_may_not_be_written(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a file system that is mounted read-only, whoever one is."""
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(ward.file) and may(path, mode))
    report = await ward.doctor()
    assert report.code == 1
    assert f"{ward.file} cannot be written to. Give this user the right" in report.faults["Database"]


async def test_looking_changes_nothing_in_the_database(ward: Ward) -> None:
    before = ward.file.read_bytes()
    set_schema(ward, "0003")
    behind = ward.file.read_bytes()
    assert behind != before
    await ward.doctor()
    assert ward.file.read_bytes() == behind, "it has not been migrated"


async def test_postgresql_is_looked_at_in_the_same_way(ward: Ward, postgres_url: str) -> None:
    ward.variables["DATABASE__URL"] = postgres_url
    assert "has no tables yet" in (await ward.doctor()).faults["Database"]
    url = database_url(postgres_url, HOME)
    await migrate(url)
    ward.url = url
    await ward.work()
    report = await ward.doctor()
    assert report.code == 0, report.lines
    assert "schema 0005, can be written." in report.about("Database")
    assert "PostgreSQL" in report.about("Clock")


async def test_a_postgresql_that_may_only_be_read(ward: Ward, postgres_url: str) -> None:
    url = database_url(postgres_url, HOME)
    await migrate(url)
    async with written(url) as session:
        await session.execute(text(f"ALTER DATABASE {url.database} SET default_transaction_read_only = on"))
    ward.variables["DATABASE__URL"] = postgres_url
    report = await ward.doctor()
    assert report.code == 1
    assert "the server is a replica or read-only" in report.faults["Database"]
