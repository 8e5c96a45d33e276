"""Putting a backup in the place of a database: in one transaction, so that at any moment it is the one or the other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, URL, Connection, Table, Text, bindparam, cast, insert, inspect, select
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, SQLAlchemyError

from storage.aftermath import Doubts, LostTime, doubt, number_on, tell_operators, wake_up
from storage.backup import VERSION_TABLE, tables_of
from storage.backup_file import About, BadBackup, Reader
from storage.models import Base, PublicBotRow, UtcDateTime
from storage.schema import alone_with, current_revision, known_revisions, upgrade
from storage.signs import IsDead, refuse_if_used

ROWS_AT_ONCE = 1000
IN_THE_WAY = ("", "-wal", "-shm", "-journal")


class NotEmpty(Exception):
    """There is a database already, or one that is not ours."""


@dataclass(frozen=True, slots=True)
class Restored:
    about: About
    doubts: Doubts


def refuse_newer(about: About) -> None:
    """Raises: BadBackup: it was made by a version that knows more than this one."""
    known = known_revisions()
    if about.revision not in known:
        raise BadBackup(
            f"The backup has schema {about.revision}, which this version does not know: restore it with the version of "
            f"Digest Bot that made it, or a newer one. This one knows schemas up to {known[-1]}."
        )


def restore(url: URL, backup: Reader, lost: LostTime | None, now: datetime, is_dead: IsDead) -> Restored:
    """Let the backup take the place of everything that is in the database, and bring it to this code's schema.

    `lost` is the time in which things may have been given that the backup does not know of; None: there was none.

    Raises:
        BadBackup: it is of a newer schema, or does not hold together; the database stays as it was.
        NotEmpty: the database holds tables that are not Digest Bot's.
        InUse: somebody works with it.
        DatabaseUnreachable: it cannot be opened.
    """
    refuse_newer(backup.about)
    with alone_with(url) as connection:
        refuse_if_used(connection, now, is_dead)
        _clear(connection)
        upgrade(connection, backup.about.revision)
        _enter(connection, backup)
        number_on(connection)
        upgrade(connection)
        wake_up(connection)
        doubts = Doubts()
        if lost is not None:
            doubts = doubt(connection, lost, now)
            tell_operators(connection, lost, doubts, now)
        number_on(connection)
    return Restored(backup.about, doubts)


def is_empty(url: URL) -> bool:
    """Whether there is nothing that a restore would replace.

    Raises:
        DatabaseUnreachable: there is something that is no database, or cannot be opened.
    """
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return True
    with alone_with(url) as connection:
        return not inspect(connection).get_table_names()


def sealed_tokens(url: URL) -> Mapping[str, str]:
    """The public bots' tokens by slug, encrypted as they are."""
    query = select(PublicBotRow.slug, PublicBotRow.token_encrypted).order_by(PublicBotRow.slug)
    with alone_with(url) as connection:
        return {slug: token for slug, token in connection.execute(query) if token is not None}


def set_aside(url: URL, suffix: str) -> Path:
    """Give an SQLite file that is no database any more, and what belongs to it, another name: that of the file."""
    path = Path(url.database or "")
    for ending in IN_THE_WAY:
        old = path.with_name(path.name + ending)
        if old.exists():
            old.rename(path.with_name(f"{path.name}{suffix}{ending}"))
    return path.with_name(path.name + suffix)


def is_broken(url: URL) -> bool:
    """Whether the SQLite file is there and is no whole database."""
    path = Path(url.database or "")
    if url.get_backend_name() != "sqlite" or not path.exists():
        return False
    try:
        connection = sqlite3.connect(path, timeout=10)
        try:
            return bool(connection.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok")
        finally:
            connection.close()
    except sqlite3.OperationalError:  # locked, or not to be opened: that says nothing about what is in it
        return False
    except sqlite3.DatabaseError:
        return True


def _clear(connection: Connection) -> None:
    """Drop every table, if they are ours."""
    there = inspect(connection).get_table_names()
    revision = current_revision(connection)
    foreign = set(there) - set(Base.metadata.tables) - {VERSION_TABLE}
    if there and (revision is None or (revision in known_revisions() and foreign)):
        names = ", ".join(sorted(foreign or there)[:3])
        raise NotEmpty(f"The database holds tables that are not Digest Bot's ({names}): name a database of its own.")
    for table in reversed([*tables_of(connection)]):
        table.drop(connection)
    if VERSION_TABLE in there:
        connection.exec_driver_sql(f"DROP TABLE {VERSION_TABLE}")


def _enter(connection: Connection, backup: Reader) -> None:
    there = {table.name: table for table in tables_of(connection)}
    about = backup.about
    if {name: set(table.columns.keys()) for name, table in there.items()} != {
        name: set(table.columns) for name, table in about.tables.items()
    }:
        raise BadBackup(f"The backup does not have the tables of its schema {about.revision}: nothing was changed.")
    try:
        for name, table in there.items():
            _enter_rows(connection, table, about.tables[name].columns, backup.rows(name))
        if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise BadBackup("The backup does not hold together: rows name others that are not there.")
    except DatabaseError as error:
        if isinstance(error, DataError | IntegrityError):
            raise BadBackup("The backup holds rows that do not fit its schema: nothing was changed.") from None
        raise
    except (SQLAlchemyError, ValueError, TypeError) as error:
        what = type(error).__name__
        raise BadBackup(f"The backup holds values that cannot be read ({what}): nothing was changed.") from None


def _enter_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterator[list[Any]]) -> None:
    times = {name for name in columns if isinstance(table.columns[name].type, UtcDateTime)}
    raw_json = [column for column in table.columns if isinstance(column.type, JSON)]
    statement = insert(table).values(
        {column.name: cast(bindparam(column.name, type_=Text()), JSON()) for column in raw_json}
    )
    while some := list(islice(rows, ROWS_AT_ONCE)):
        connection.execute(statement, [_values(columns, times, row) for row in some])


def _values(columns: Sequence[str], times: set[str], row: Sequence[Any]) -> dict[str, Any]:
    values = dict(zip(columns, row, strict=True))
    for name in times:
        if values[name] is not None:
            values[name] = datetime.fromisoformat(values[name])
    return values
