"""aiosqlite with one trip to its thread for a statement, or none: as it comes it makes four, and each costs more than
most of our statements do."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from aiosqlite import Connection, Cursor

AHEAD = 1000  # rows that come with the trip that executes; whoever reads more of them makes more trips


def connect(database: str, **options: Any) -> OneTripConnection:
    """To be awaited, as `aiosqlite.connect` is; the options are those of `sqlite3.connect`."""
    options |= {"check_same_thread": False, "factory": EndsItsTransaction}
    open_file = partial(sqlite3.connect, database, **options)
    connection = OneTripConnection(open_file, iter_chunk_size=AHEAD)
    connection._thread.daemon = True  # as SQLAlchemy has it: what is left open does not keep the process alive
    return connection


class EndsItsTransaction(sqlite3.Connection):
    """A connection that holds no lock once it is closed.

    A task that is cancelled while it reads leaves a statement half read, and something may still refer to its cursor.
    SQLite closes such a connection only when the last statement is gone, and rolls back no earlier:
    https://sqlite.org/c3ref/close.html.
    """

    def close(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # the driver closes it twice
            if self.in_transaction:
                self.rollback()
        super().close()


class OneTripConnection(Connection):
    """What touches no file is done where it is asked for: making a cursor, beginning and ending to read. In a *quick*
    transaction everything is that hardly takes longer than the trip; what waits for the disk or for others never is."""

    _reads = False
    _is_quick = False

    def cursor(self) -> OneTripCursor:  # type: ignore[override]
        return OneTripCursor(self, self._conn.cursor())

    def begin_to_read(self, *, is_quick: bool) -> None:
        """A transaction that sees one moment, from its first SELECT on."""
        self._conn.execute("BEGIN")
        self._reads, self._is_quick = True, is_quick

    def begin_to_write_at_once(self) -> bool:
        """A quick transaction, where nobody else is writing. The connection waits for nobody from then on."""
        self._conn.execute("PRAGMA busy_timeout=0")
        try:
            self._conn.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return False
        self._is_quick = True
        return True

    async def commit(self) -> None:
        self._is_quick = False
        await super().commit()

    async def rollback(self) -> None:
        is_short, self._reads, self._is_quick = self._reads or self._is_quick, False, False
        if is_short:
            self._conn.rollback()
        elif self._conn.in_transaction:
            await super().rollback()

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._is_quick:
            return fn(*args, **kwargs)
        return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]


class OneTripCursor(Cursor):
    """Executes and reads the first rows in one trip."""

    def __init__(self, connection: OneTripConnection, cursor: sqlite3.Cursor) -> None:
        super().__init__(connection, cursor)
        self._ahead: list[Any] = []
        self._is_at_rest = True

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> OneTripCursor:
        self._is_at_rest = False
        arguments = (sql, () if parameters is None else parameters)
        self._ahead = await self._execute(self._execute_and_read, *arguments)  # type: ignore[no-untyped-call]
        self._is_at_rest = len(self._ahead) < AHEAD
        return self

    async def fetchone(self) -> Any:
        return self._ahead.pop(0) if self._ahead else await super().fetchone()

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        size = self.arraysize if size is None else size
        rows, self._ahead = self._ahead[:size], self._ahead[size:]
        if len(rows) < size and not self._is_at_rest:
            rows += await super().fetchmany(size - len(rows))
        return rows

    async def fetchall(self) -> list[Any]:
        rows, self._ahead = self._ahead, []
        if not self._is_at_rest:
            rows += await super().fetchall()
        return rows

    async def close(self) -> None:
        if self._is_at_rest:
            self._cursor.close()
        else:
            await super().close()

    def _execute_and_read(self, sql: str, parameters: Any) -> list[Any]:
        self._cursor.execute(sql, parameters)
        return self._cursor.fetchmany(AHEAD) if self._cursor.description else []
