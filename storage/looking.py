"""Looking at a database without touching it: no migration, no file is made, nothing is written."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, func, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import Database
from storage.models import InstallationRow, LeaseRow, PublicBotRow
from storage.records import DatabaseLook, Lease
from storage.schema import current_revision, known_revisions

LOCK_PATIENCE_S = 2.0
IS_READ_ONLY = "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'"
MAY_WRITE = "SELECT has_table_privilege('work', 'INSERT, UPDATE')"
MAY_CREATE = "SELECT has_schema_privilege(current_schema(), 'CREATE')"


def to_look_at(url: URL) -> Database:
    """A database whose reading sessions leave nothing behind; nothing is to be written through it.

    An SQLite file that nobody has open is read as one that does not change: else SQLite would put two files beside it.
    """
    if url.get_backend_name() != "sqlite":
        return Database(url)
    path = url.database or ""
    query = {"uri": "true", "mode": "ro"} | ({} if Path(f"{path}-wal").exists() else {"immutable": "1"})
    return Database(url.set(database=f"file:{quote(path)}", query=query))


async def look(url: URL, database: Database) -> DatabaseLook:
    """What is the matter with the database at `url`, which is open as `database`."""
    known = known_revisions()
    place, head, file = place_of(url), known[-1], Path(url.database or "")
    if database.is_sqlite and not file.exists():  # noqa: ASYNC240 - as fast as everything else here
        return DatabaseLook(place, head, exists=False, unwritable=_why_no_file(file))
    try:
        async with database.read() as session:
            revision = await _revision(session)
            unwritable = None if database.is_sqlite else await _why_not_written(session, revision)
    except SQLAlchemyError as error:
        return DatabaseLook(place, head, unreachable=_first_line(error))
    if database.is_sqlite:
        unwritable = await asyncio.to_thread(_why_file_not_written, file)
    return DatabaseLook(place, head, True, revision, revision is None or revision in known, unwritable)


def place_of(url: URL) -> str:
    """The database as people write it, without a password, wherever in the URL one may stand."""
    return url.set(drivername=url.get_backend_name(), query={}).render_as_string(hide_password=True)


async def clock_of(session: AsyncSession) -> datetime:
    """The time by the clock of a PostgreSQL server."""
    moment: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return moment


async def leases(session: AsyncSession) -> Mapping[str, Lease]:
    """Who has or had which role, and until when."""
    rows = await session.execute(select(LeaseRow.name, LeaseRow.owner, LeaseRow.until))
    return {name: Lease(owner, until) for name, owner, until in rows}


async def installation_name(session: AsyncSession) -> str | None:
    """The installation's name, if it has been given one."""
    return (await session.execute(select(InstallationRow.name))).scalar_one_or_none()


async def paused_with_token(session: AsyncSession) -> int:
    """How many public bots with a token are paused."""
    query = select(func.count()).where(PublicBotRow.token_encrypted.is_not(None), PublicBotRow.is_paused.is_(True))
    return (await session.execute(query)).scalar_one()


async def _revision(session: AsyncSession) -> str | None:
    connection = await session.connection()
    return await connection.run_sync(current_revision)


async def _why_not_written(session: AsyncSession, revision: str | None) -> str | None:
    if (await session.execute(text(IS_READ_ONLY))).scalar_one():
        return "the server is a replica or read-only"
    may = (await session.execute(text(MAY_CREATE if revision is None else MAY_WRITE))).scalar_one()
    return None if may else "this user may only read there"


def _why_no_file(file: Path) -> str | None:
    """Why the file could not be made: the nearest folder there is does not let us."""
    folder = file.parent
    while not folder.exists():
        folder = folder.parent
    return None if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK) else f"{folder} cannot be written to"


def _why_file_not_written(file: Path) -> str | None:
    for place in (file, file.parent):
        if not os.access(place, os.W_OK):
            return f"{place} cannot be written to"
    return _why_no_lock(file) if Path(f"{file}-wal").exists() else None


def _why_no_lock(file: Path) -> str | None:
    """Take the lock for writing, as every writer does, and give it back; only where the file is in use anyway."""
    try:
        with closing(
            sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True, timeout=LOCK_PATIENCE_S)
        ) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
    except sqlite3.Error as error:
        return f"another process keeps it locked ({error})" if "locked" in str(error) else str(error)
    return None


def _first_line(error: SQLAlchemyError) -> str:
    said = str(error.orig).strip().partition("\n")[0] if isinstance(error, DBAPIError) else ""
    return said or type(error).__name__
