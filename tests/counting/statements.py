"""Counting what a piece of work asks of the database: statements, transactions, and exchanges with the driver.

Nothing here is timed, so that the same work always has the same count.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any
from unittest.mock import patch

import aiosqlite
import psycopg._cursor_base
import psycopg.generators
from sqlalchemy import Connection, Engine, event

from storage import database as sessions
from storage.database import Database
from tests.counting.callers import callers
from tests.counting.statement_words import in_few_words


@dataclass(frozen=True)
class Statement:
    """What was asked in a few words, and by whom."""

    words: str
    asked_by: str


@dataclass
class Transaction:
    """Its statements in their order. Who writes commits; who only reads rolls back."""

    statements: list[Statement] = field(default_factory=list)
    ending: str = "open"

    def __str__(self) -> str:
        lines = [f"{self.ending} transaction"]
        for one, same in groupby(self.statements):
            times = len(list(same))
            lines.append(f"    {f'{times} x ' if times > 1 else ''}{one.words}   <- {one.asked_by}")
        return "\n".join(lines)


@dataclass
class Count:
    """What was asked of one database. `turns` are exchanges with SQLite's thread, or with PostgreSQL's server."""

    transactions: list[Transaction] = field(default_factory=list)
    turns: int = 0

    @property
    def statements(self) -> int:
        """Without those that begin and end transactions."""
        return sum(len(one.statements) for one in self.transactions)

    @property
    def reads(self) -> int:
        """Transactions that changed nothing."""
        return len(self.transactions) - self.writes

    @property
    def writes(self) -> int:
        """Transactions that were committed."""
        return sum(one.ending == "write" for one in self.transactions)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.transactions), f"in {self.turns} turns"])


@contextmanager
def counting(database: Database) -> Iterator[Count]:
    """What is asked of this database while the block lasts, by whomever: nothing else may work with it meanwhile."""
    count = Count()
    with ExitStack() as stack:
        stack.enter_context(_counting_turns(count))
        for engine in {database._reader.sync_engine, database._writer.sync_engine}:
            stack.enter_context(_listening(engine, _Listener(count)))
        yield count


class _Listener:
    """Writes down what happens on the connections of one engine."""

    def __init__(self, count: Count) -> None:
        self._count = count
        self._open: dict[object, Transaction] = {}

    def begin(self, connection: Connection) -> None:
        self._open[connection.connection.dbapi_connection] = begun = Transaction()
        self._count.transactions.append(begun)

    def commit(self, connection: Connection) -> None:
        self._end(connection, "write")

    def rollback(self, connection: Connection) -> None:
        self._end(connection, "read")

    def before_cursor_execute(
        self, connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            rows = f" ({len(parameters)} rows)" if many else ""
            asked = Statement(in_few_words(statement) + rows, callers())
            self._open[connection.connection.dbapi_connection].statements.append(asked)

    def _end(self, connection: Connection, ending: str) -> None:
        self._open.pop(connection.connection.dbapi_connection).ending = ending


@contextmanager
def _listening(engine: Engine, listener: _Listener) -> Iterator[None]:
    names = ("begin", "commit", "rollback", "before_cursor_execute")
    heard = {name: getattr(listener, name) for name in names}
    for name, hear in heard.items():
        event.listen(engine, name, hear, insert=True)
    try:
        yield
    finally:
        for name, hear in heard.items():
            event.remove(engine, name, hear)


@contextmanager
def _counting_turns(count: Count) -> Iterator[None]:
    """Calls that go to the thread of an SQLite connection, and messages to PostgreSQL that wait for an answer."""

    def counted(original: Any, *args: Any, **named: Any) -> Any:
        count.turns += 1
        return original(*args, **named)

    execute, hop = psycopg.generators.execute, aiosqlite.Connection._execute
    with (
        patch.object(psycopg.generators, "execute", partial(counted, execute)),
        patch.object(psycopg._cursor_base, "execute", partial(counted, execute)),
        patch.object(aiosqlite.Connection, "_execute", lambda *args, **named: counted(hop, *args, **named)),
        patch.object(sessions, "SHORT_WAIT_S", float("inf")),  # a slow machine costs no statements that others do not
    ):
        yield
