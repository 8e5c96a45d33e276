"""INSERT … ON CONFLICT, which both databases have and SQLAlchemy spells once for each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import Base, in_utc
from storage.models.base import table_of

MOST_VALUES = 30_000  # in one statement; SQLite takes 32,766


def insert(session: AsyncSession, model: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """An insert for this session's database that offers on_conflict_do_nothing and on_conflict_do_update."""
    return insert_for(session.get_bind().dialect.name, model)


def insert_for(dialect: str, model: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """The same, for a statement that is made once."""
    return sqlite.insert(model) if dialect == "sqlite" else postgresql.insert(model)


async def insert_ignoring(session: AsyncSession, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, all with the same columns; those that a unique constraint refuses are left as they are.

    Many rows in a statement, past SQLAlchemy's own way of inserting many: that takes three times as long, and with
    SQLite waits after each row for whatever else runs in Python.
    """
    if not rows:
        return
    connection = await session.connection()
    table = table_of(model)
    names = tuple(rows[0])
    if connection.dialect.name == "postgresql":
        document = json.dumps(rows, ensure_ascii=False, default=_as_text)
        await connection.exec_driver_sql(_of_document(connection.dialect, table, names), (document,))
        return
    processors = [(name, _processor(connection.dialect, table, name)) for name in names]
    for some in _pieces(rows, MOST_VALUES // len(names)):
        values = [process(row[name]) if process else row[name] for row in some for name, process in processors]
        await connection.exec_driver_sql(_of_values(table, names, len(some)), tuple(values))


def _pieces(rows: Sequence[Mapping[str, Any]], most: int) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Powers of two: for each number of rows there is a statement that the driver keeps, so there are to be few."""
    start, size = 0, 1 << (most.bit_length() - 1)
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        yield rows[start : start + size]
        start += size


def _processor(dialect: Dialect, table: Table, name: str) -> Any:
    return table.c[name].type.dialect_impl(dialect).bind_processor(dialect)


@cache
def _of_values(table: Table, names: tuple[str, ...], rows: int) -> str:
    row = f"({', '.join('?' * len(names))})"
    return f"{_into(table, names)} VALUES {', '.join([row] * rows)} ON CONFLICT DO NOTHING"


def _of_document(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    columns = ", ".join(f"{name} {table.c[name].type.compile(dialect)}" for name in names)
    rows = f"json_to_recordset(%s) AS rows({columns})"
    return f"{_into(table, names)} SELECT * FROM {rows} ON CONFLICT DO NOTHING"  # noqa: S608 - names of our own tables


def _into(table: Table, names: tuple[str, ...]) -> str:
    return f"INSERT INTO {table.name} ({', '.join(names)})"


def _as_text(value: object) -> str:
    """A time as PostgreSQL reads it from JSON."""
    assert isinstance(value, datetime), value
    return in_utc(value).isoformat()
