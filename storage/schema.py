"""Bringing a database to the schema this code needs, by itself at every start, one process at a time."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import NullPool

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_NUMBER = 0x4469676573  # "Diges": any constant will do, as long as nobody else uses it in this database
MIGRATION_BUSY_TIMEOUT_S = 120


class SchemaTooNew(Exception):
    """The database was changed by a newer version of this program."""


class DatabaseUnreachable(Exception):
    """The database server or file cannot be opened; the message says why, without the password."""


async def migrate(url: URL) -> None:
    """Bring the database to this code's schema. Safe to call from several processes at once.

    Raises:
        SchemaTooNew: the database needs a newer version of the program.
        DatabaseUnreachable: it cannot be opened.
    """
    await asyncio.to_thread(_migrate, url)


def _migrate(url: URL) -> None:
    is_sqlite = url.get_backend_name() == "sqlite"
    if is_sqlite:
        engine = create_engine(
            url.set(drivername="sqlite"),
            poolclass=NullPool,
            connect_args={"timeout": MIGRATION_BUSY_TIMEOUT_S, "isolation_level": None},
        )
    else:
        engine = create_engine(url, poolclass=NullPool)
    try:
        if is_sqlite:
            Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
        with engine.connect() as connection:
            if is_sqlite:
                _be_the_only_sqlite_migrator(connection)
                os.chmod(url.database or "", 0o600)
            else:
                connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK_NUMBER})
            _upgrade(connection)
            connection.exec_driver_sql("COMMIT") if is_sqlite else connection.commit()
    except OSError as error:
        raise DatabaseUnreachable(f"The database cannot be opened: {error.filename}: {error.strerror}") from None
    except DatabaseError as error:
        raise DatabaseUnreachable(f"The database cannot be opened: {_first_line(error)}") from None
    finally:
        engine.dispose()


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


def _upgrade(connection: Connection) -> None:
    config = migration_config(connection)
    known = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in {script.revision for script in known.walk_revisions()}:
        raise SchemaTooNew(
            f"The database has schema {current}, which this version does not know: start the newer version of Digest "
            f"Bot that made it, or downgrade the database with that one first. This one: {known.get_current_head()}."
        )
    if current != known.get_current_head():
        command.upgrade(config, "head")


def migration_config(connection: Connection) -> Config:
    """Alembic's configuration for this project's migrations on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _first_line(error: DatabaseError) -> str:
    return str(error.orig).strip().partition("\n")[0] or type(error).__name__
