"""Taking a backup: all rows of one moment, while everybody goes on writing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, URL, Connection, DateTime, MetaData, Table, Text, cast, event, inspect, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.types import TypeEngine

from storage.backup_file import About, new_file
from storage.models import UtcDateTime
from storage.schema import DatabaseUnreachable, current_revision, first_line, plain_engine

VERSION_TABLE = "alembic_version"
ROWS_AT_ONCE = 1000


class NothingToBackUp(Exception):
    """There is no database of Digest Bot there."""


def back_up(url: URL, path: Path, now: datetime) -> About:
    """Write the database as it is at this moment into a new file, whatever its schema.

    Raises:
        NothingToBackUp: there is no database, or an empty one.
        DatabaseUnreachable: it cannot be opened, or is damaged.
        OSError: the file cannot be written, or there is one.
    """
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise NothingToBackUp("There is no database to back up yet.")
    engine = plain_engine(url)
    try:
        with engine.connect() as connection:
            _see_one_moment(connection)
            refuse_damaged(connection)
            revision = current_revision(connection)
            if revision is None:
                raise NothingToBackUp("The database is empty or not Digest Bot's: there is nothing to back up.")
            with new_file(path) as writer:
                for table in tables_of(connection):
                    writer.write(table.name, table.columns.keys(), _rows(connection, table))
                return writer.finish(revision, _installation(connection), now)
    except DatabaseError as error:
        raise DatabaseUnreachable(f"The database cannot be read: {first_line(error)}") from None
    finally:
        engine.dispose()


def refuse_damaged(connection: Connection) -> None:
    """Raises: DatabaseUnreachable: the SQLite file is damaged. PostgreSQL finds that out while it reads."""
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
        if found != "ok":
            raise DatabaseUnreachable(f"The database is damaged: {found.strip().replace(chr(10), ' ')}")


def tables_of(connection: Connection) -> Sequence[Table]:
    """The tables that are there, as they are there, in an order in which their rows can be entered."""
    metadata = MetaData()

    @event.listens_for(metadata, "column_reflect")
    def with_our_types(_inspector: object, _table: object, column: dict[str, Any]) -> None:
        column["type"] = _our_type(column["type"], connection.dialect.name)

    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != VERSION_TABLE]


def _our_type(found: TypeEngine[Any], dialect: str) -> TypeEngine[Any]:
    """JSON is kept letter by letter: reading it would make one of NULL and null."""
    if isinstance(found, DateTime):
        return UtcDateTime()
    return Text() if isinstance(found, JSON) and dialect == "sqlite" else found


def _see_one_moment(connection: Connection) -> None:
    """Both databases show one moment to a transaction that only reads, and let others write meanwhile."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN")
    else:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))


def _rows(connection: Connection, table: Table) -> Iterator[list[Any]]:
    columns = [cast(column, Text) if isinstance(column.type, JSON) else column for column in table.columns]
    query = select(*columns).order_by(*table.primary_key.columns)
    streamed = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
    for row in streamed:
        yield [value.isoformat() if isinstance(value, datetime) else value for value in row]


def _installation(connection: Connection) -> str | None:
    if not inspect(connection).has_table("installation"):
        return None
    name: str | None = connection.execute(text("SELECT name FROM installation")).scalar_one_or_none()
    return name


def counted(connection: Connection, tables: Iterable[str]) -> dict[str, int]:
    """How many rows each of these tables has."""
    return {
        name: connection.execute(text(f"SELECT count(*) FROM {_quoted(connection, name)}")).scalar_one()  # noqa: S608
        for name in tables
    }


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)
