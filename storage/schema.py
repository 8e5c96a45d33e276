"""Bringing a database to the schema this code needs, by itself at every start, one process at a time."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import NullPool

from storage.models import Base

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
REVISION = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)
VERSION = text("SELECT version_num FROM alembic_version")
LOCK_NUMBER = 0x4469676573  # "Diges": any constant will do, as long as nobody else uses it in this database
MIGRATION_BUSY_TIMEOUT_S = 120
TAKING_TABLES_MS = 700  # below PostgreSQL's deadlock_timeout, at which it would end a transaction of somebody else
TRY_AGAIN_EVERY_S = 0.5
POSTGRES_GAVE_UP = frozenset({"57014", "55P03", "40P01"})  # statement_timeout, lock_timeout, deadlock


class SchemaTooNew(Exception):
    """The database was changed by a newer version of this program."""


class DatabaseUnreachable(Exception):
    """The database server or file cannot be opened; the message says why, without the password."""


class TablesInUse(DatabaseUnreachable):
    """A table that is to be changed is in use by another transaction, and stayed so."""


async def migrate(url: URL) -> None:
    """Bring the database to this code's schema. Safe to call from several processes at once.

    Raises:
        SchemaTooNew: the database needs a newer version of the program.
        DatabaseUnreachable: it cannot be opened.
    """
    await asyncio.to_thread(migrate_now, url)


def migrate_now(url: URL) -> None:
    """The same for who has no event loop."""
    deadline = time.monotonic() + MIGRATION_BUSY_TIMEOUT_S
    while True:
        try:
            with alone_with(url) as connection:
                upgrade(connection)
            return
        except TablesInUse:
            if time.monotonic() > deadline:
                raise
            time.sleep(TRY_AGAIN_EVERY_S)


@contextmanager
def alone_with(url: URL) -> Iterator[Connection]:
    """One transaction in which nobody else changes the schema; it is committed in the end, or nothing of it is.

    Raises:
        DatabaseUnreachable: it cannot be opened.
        TablesInUse: another transaction uses a table that is to be changed; try again.
    """
    is_sqlite = url.get_backend_name() == "sqlite"
    engine = plain_engine(url)
    try:
        if is_sqlite:
            Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
        with engine.connect() as connection:
            if is_sqlite:
                _be_the_only_sqlite_migrator(connection)
                os.chmod(url.database or "", 0o600)
            else:
                connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK_NUMBER})
            yield connection
            connection.exec_driver_sql("COMMIT") if is_sqlite else connection.commit()
    except OSError as error:
        raise DatabaseUnreachable(f"The database cannot be opened: {error.filename}: {error.strerror}") from None
    except DatabaseError as error:
        if getattr(error.orig, "sqlstate", None) in POSTGRES_GAVE_UP:
            raise TablesInUse("The database cannot be changed: another program keeps its tables in use.") from None
        raise DatabaseUnreachable(f"The database cannot be opened: {first_line(error)}") from None
    finally:
        engine.dispose()


def plain_engine(url: URL) -> Engine:
    """For who needs the database for a moment and not in an event loop: one connection at a time, none kept."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, poolclass=NullPool, hide_parameters=True)
    return create_engine(
        url.set(drivername="sqlite"),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"timeout": MIGRATION_BUSY_TIMEOUT_S, "isolation_level": None},
    )


def _be_the_only_sqlite_migrator(connection: Connection) -> None:
    deadline = time.monotonic() + MIGRATION_BUSY_TIMEOUT_S
    while not _has_wal(connection):
        if time.monotonic() > deadline:
            raise DatabaseUnreachable("The database cannot be opened: another process has kept it locked for too long.")
        time.sleep(0.05)
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _has_wal(connection: Connection) -> bool:
    """Whether the file is in WAL mode now. While another process writes it SQLite refuses the switch at once, whatever
    the busy timeout."""
    try:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    except OperationalError as error:
        if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            return False
        raise
    return True


def upgrade(connection: Connection, target: str = "head") -> None:
    """Take the schema of an open transaction forward to `target`.

    Raises:
        SchemaTooNew: this code does not know the schema that is there.
    """
    known, current = known_revisions(), current_revision(connection)
    if current is not None and current not in known:
        raise SchemaTooNew(
            f"The database has schema {current}, which this version does not know: start the newer version of Digest "
            f"Bot that made it, or downgrade the database with that one first. This one: {known[-1]}."
        )
    if current != known[-1]:
        from alembic import command

        take_all_tables(connection)
        command.upgrade(migration_config(connection), target)


def take_back(connection: Connection, target: str) -> None:
    """Take the schema of an open transaction back to `target`."""
    from alembic import command

    command.downgrade(migration_config(connection), target)


def take_all_tables(connection: Connection) -> None:
    """Have every table to ourselves before one is changed, or give up soon: others work on, and it is tried again.

    Taking them one after another while others do would end in deadlocks, and who waits for a table holds up everybody
    who comes after. SQLite has one writer at a time anyway.

    Raises:
        sqlalchemy.exc.OperationalError: somebody uses one for longer.
    """
    if connection.dialect.name == "sqlite":
        return
    ours = set(inspect(connection).get_table_names()) & set(Base.metadata.tables)
    if ours:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {TAKING_TABLES_MS}")
        connection.exec_driver_sql(f"LOCK TABLE {', '.join(sorted(ours))} IN ACCESS EXCLUSIVE MODE")
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")


def known_revisions() -> Sequence[str]:
    """The schemas that this code knows, oldest first: the last one is what it works with."""
    return _revisions_in(MIGRATIONS / "versions")


@cache
def _revisions_in(folder: Path) -> Sequence[str]:
    """Without Alembic, which weighs as much as our tables and is hardly ever needed."""
    scripts = (script.read_text(encoding="utf-8") for script in sorted(folder.glob("[0-9]*.py")))
    return tuple(REVISION.findall(script)[0] for script in scripts)


def current_revision(connection: Connection) -> str | None:
    """The schema of a database; None: it is not one of ours, or empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(VERSION).scalar_one_or_none()
    return found


async def revision_in(session: AsyncSession) -> str | None:
    """The schema of a database that is in use; None: somebody is restoring it."""
    found: str | None = (await session.execute(VERSION)).scalar_one_or_none()
    return found


def migration_config(connection: Connection) -> Config:
    """Alembic's configuration for this project's migrations on an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def first_line(error: DatabaseError) -> str:
    """What the database says, without the statement and its values."""
    return str(error.orig).strip().partition("\n")[0] or type(error).__name__
