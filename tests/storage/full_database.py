"""Databases of any schema with rows in every table, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from alembic import command
from sqlalchemy import (
    JSON,
    URL,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
    select,
)
from sqlalchemy.pool import NullPool

from storage.models import UtcDateTime
from storage.schema import migration_config

START = datetime(2026, 11, 1, tzinfo=UTC)
FEW = 5
STATES = {
    ("runs", "state"): "done", ("work", "state"): "done", ("deliveries", "state"): "sent",
    ("subscribers", "state"): "active", ("subscribers", "kind"): "private", ("sources", "kind"): "file",
    ("runs", "engine"): "celery", ("run_posts", "status"): "summarized", ("work", "kind"): "deliver_digest",
    ("runs", "quiet_day"): None, ("public_bots", "quiet_day"): None, ("public_bots", "timezone"): "UTC",
    ("public_bots", "token_encrypted"): None, ("public_bots", "schedule"): "0 9 * * *", ("runs", "failure"): None,
    ("runs", "notice"): None, ("deliveries", "left_out"): None, ("subscribers", "left_out"): None,
    ("public_bots", "language"): "en", ("installation", "name"): "11111111-2222-3333-4444-555555555555",
}  # fmt: skip
MANY = {"posts": 10_000, "run_posts": 2_000, "given_posts": 1_000, "deliveries": 5_000, "subscribers": 500}

Rows = Mapping[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]]


@contextmanager
def connected(url: URL) -> Iterator[Connection]:
    """A plain connection; what is done on it is committed."""
    if url.get_backend_name() == "sqlite":
        url = url.set(drivername="sqlite")
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def make_schema(url: URL, revision: str) -> None:
    with connected(url) as connection:
        command.upgrade(migration_config(connection), revision)


def step_down(url: URL, revision: str) -> None:
    with connected(url) as connection:
        command.downgrade(migration_config(connection), revision)


def fill(url: URL, numbers: Mapping[str, int] | None = None) -> None:
    """Rows in every table that is there: FEW, or as many as `numbers` says."""
    with connected(url) as connection:
        tables = _tables(connection)
        counts = {table.name: (numbers or {}).get(table.name, FEW) for table in tables}
        counts["installation"] = 1
        for table in tables:
            rows = [_row(table, number, counts) for number in range(1, counts[table.name] + 1)]
            for start in range(0, len(rows), 1000):
                connection.execute(insert(table), rows[start : start + 1000])


def contents(url: URL) -> Rows:
    """Every table with its columns, and its rows in an order that does not depend on the database."""
    with connected(url) as connection:
        return {
            table.name: (
                tuple(table.columns.keys()),
                [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))],
            )
            for table in _tables(connection)
        }


def surviving(rows: Rows, of: Rows) -> Rows:
    """What of `rows` has a place in the tables and columns that `of` has."""
    kept = {}
    for name, (columns, values) in rows.items():
        if name in of:
            shared = [number for number, column in enumerate(columns) if column in of[name][0]]
            names = tuple(columns[number] for number in shared)
            kept[name] = (names, [tuple(row[number] for number in shared) for row in values])
    return kept


def _tables(connection: Connection) -> list[Table]:
    metadata = MetaData()
    metadata.reflect(connection)
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.type.python_type is datetime:
                column.type = UtcDateTime()
            if isinstance(column.type, JSON):
                column.type = JSON(none_as_null=True)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def _row(table: Table, number: int, counts: Mapping[str, int]) -> dict[str, Any]:
    return {column.name: _value(column, number, counts) for column in table.columns}


def _value(column: Column[Any], number: int, counts: Mapping[str, int]) -> Any:
    """Different in each row; a foreign key names a row that is there."""
    table: Table = column.table
    if (table.name, column.name) in STATES:
        return STATES[table.name, column.name]
    if column.foreign_keys:
        parent = next(iter(column.foreign_keys)).column.table.name
        return (number - 1) % counts[parent] + 1
    if isinstance(column.type, UtcDateTime):
        return START + timedelta(seconds=number, microseconds=number)
    if isinstance(column.type, JSON):
        return [number, "ё", {"null": None}]
    if isinstance(column.type, Boolean):
        return number % 2 == 0
    if isinstance(column.type, Float):
        return number / 7
    if isinstance(column.type, Integer):
        return number
    assert isinstance(column.type, String), column.type
    longest = column.type.length or 100
    return f"{column.name} №{number}"[-longest:]
