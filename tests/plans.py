"""How SQLite goes about the statements that a piece of work makes: by an index, or by reading whole tables."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event

from storage.database import Database

# What grows with every post, run and reader; all other tables stay as small as the desk is.
GROWING = frozenset({
    "posts", "given_posts", "runs", "run_posts", "work", "model_calls", "model_answers", "digests", "deliveries",
    "cards", "actions", "faults", "slots", "subscribers", "self_tests",
})  # fmt: skip
# What one bot, source or state has is as good as all there is: good only for who takes the newest few, or one end.
ALL_OF_ONE = re.compile(
    r"SEARCH (?P<name>\w+) USING (?:COVERING )?INDEX (?P<index>\w+) \((?:public_bot_id|source_id|state)=\?\)$"
)
ONE_END = re.compile(r"SELECT max\((\w+)\.\w+\)")
NEWEST = re.compile(r"ORDER BY (\w+)\.id DESC\s+LIMIT")
WHOLE = re.compile(r"SCAN (?P<name>\w+)(?: USING (?:COVERING )?INDEX (?P<index>\w+))?")
SOURCES = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(?P<table>\w+)(?:\s+AS\s+(?P<alias>\w+))?", re.IGNORECASE)


@dataclass
class Asked:
    """Every statement once, with the values it was first made with."""

    statements: dict[str, Any] = field(default_factory=dict)

    def tables(self) -> set[str]:
        return {table for sql in self.statements for table in _tables(sql).values()}


@contextmanager
def noted(database: Database) -> Iterator[Asked]:
    """What this SQLite database is asked while the block lasts."""
    asked = Asked()

    def note(_connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
        asked.statements.setdefault(sql, values)

    engines = (database._reader.sync_engine, database._writer.sync_engine)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def whole_reads(database: Database, asked: Asked) -> list[str]:
    """The statements for which SQLite reads a growing table, or an index of one, from end to end: a line for each.

    An index that holds but the few rows of a moment (a partial one) may be read whole, and the newest rows of a table
    may be taken from its end.
    """
    with closing(sqlite3.connect(database.url.database or "")) as connection:
        partial = {name for name, sql in connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'")
                   if sql and " WHERE " in sql}  # fmt: skip
        return [
            f"{step}: {' '.join(sql.split())}"
            for sql, values in asked.statements.items()
            if sql.partition(" ")[0] in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
            for step in _plan(connection, sql, values)
            if _is_whole(step, sql, partial)
        ]


def _plan(connection: sqlite3.Connection, sql: str, values: Any) -> list[str]:
    if isinstance(values, list):  # of many rows: all go the way of the first
        values = values[0]
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


def _is_whole(step: str, sql: str, partial: set[str]) -> bool:
    found = WHOLE.match(step) or ALL_OF_ONE.match(step)
    if found is None or found["name"] in {one[1] for one in (*NEWEST.finditer(sql), *ONE_END.finditer(sql))}:
        return False
    table = _tables(sql).get(found["name"])
    if step.startswith("SEARCH") and (table == "work" or "runs.state IN (?, ?" in sql):  # what has not ended is little
        return False
    return table in GROWING and found["index"] not in partial


def _tables(sql: str) -> Mapping[str, str]:
    """The tables of a statement by the names that its plan calls them."""
    return {found["alias"] or found["table"]: found["table"] for found in SOURCES.finditer(sql)}
