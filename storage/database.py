"""The one way to the database: short reading and writing sessions on SQLite or PostgreSQL.

SQLite: WAL, foreign keys, synchronous=FULL, one writing connection whose transactions begin IMMEDIATE, a few read-only
ones.
PostgreSQL: one pool for both; whoever reads before writing locks the row with FOR UPDATE.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from storage import sqlite_driver
from storage.sqlite_driver import OneTripConnection

BUSY_TIMEOUT_MS = 10_000
LEAST_BUSY_TIMEOUT_MS = 200  # for who has waited long enough behind others of this process
SHORT_WAIT_S = 1.0
IDLE_S = 1.0  # a connection that was used within it is taken for alive
READERS = 4
POSTGRES_POOL = 10
POSTGRES_LIMITS = {  # nobody waits for ever for a process or a network that stands still
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "options": "-c lock_timeout=10s -c idle_in_transaction_session_timeout=30s",
}

NO_CONNECTION_LEFT = ("too many clients", "too many connections", "remaining connection slots")  # it sends no code then
POSTGRES_DISK_FULL = "53100"
AWAY = (OperationalError, InterfaceError, PoolTimeout)  # locked, full, or not to be reached: it may work again later

RunsEnded = Callable[[Mapping[int, str]], Awaitable[None]]  # states by run
ENDED_RUNS = "ended_runs"

_open_sessions: ContextVar[int] = ContextVar("open_sessions", default=0)
_asked_at: ContextVar[float] = ContextVar("asked_at")
_is_quick: ContextVar[bool] = ContextVar("is_quick")


class BadDatabaseUrl(Exception):
    """The setting database.url cannot be used; the message says why, without the URL, which may hold a password."""


def is_full(error: SQLAlchemyError) -> bool:
    """Whether the database took nothing because there is no room for it."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    is_sqlite_full = getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return is_sqlite_full or getattr(cause, "sqlstate", None) == POSTGRES_DISK_FULL


def trouble(error: SQLAlchemyError) -> str:
    """What is wrong with the database, in a few words for the log; never a statement or its values."""
    if is_full(error):
        return "its disk is full"
    if isinstance(error, DBAPIError) and any(sign in str(error.orig) for sign in NO_CONNECTION_LEFT):
        return "it permits no more connections: raise its max_connections, or lower database.pool_size"
    is_locked = isinstance(error, DBAPIError) and getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
    return "it is locked" if is_locked else type(error).__name__


def database_url(setting: str, home: Path) -> URL:
    """What SQLAlchemy needs for a URL as people write it; a relative SQLite path is taken from `home`.

    Raises:
        BadDatabaseUrl: neither SQLite nor PostgreSQL.
    """
    try:
        url = make_url(setting)
    except (ArgumentError, ValueError):
        raise BadDatabaseUrl("database.url is no URL: write sqlite:///FILE or postgresql://USER@HOST/NAME.") from None
    backend = url.drivername.partition("+")[0]
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise BadDatabaseUrl(
                "database.url names no file: several processes share the database, write sqlite:///FILE."
            )
        return url.set(drivername="sqlite+aiosqlite", database=str(home / url.database))
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    raise BadDatabaseUrl(f"database.url names {backend}: only sqlite and postgresql are supported.")


class Database:
    """Sessions of one process; made and closed on the event loop that uses it."""

    def __init__(self, url: URL, pool_size: int = POSTGRES_POOL) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self._runs_ended: RunsEnded | None = None
        if self.is_sqlite:
            self._writer = _sqlite_engine(url, connections=1, read_only=False)
            self._reader = _sqlite_engine(url, connections=READERS, read_only=True)
        else:
            self._writer = self._reader = _postgres_engine(url, pool_size)

    @asynccontextmanager
    async def read(self, *, is_quick: bool = False) -> AsyncIterator[AsyncSession]:
        """A session that sees one moment of the database and changes nothing.

        `is_quick`: it meets a few rows, all by their keys. SQLite is then asked on the event loop itself, which for
        such questions costs less than going to a thread.
        """
        async with self._session(self._reader, is_quick=is_quick) as session:
            yield session

    @asynccontextmanager
    async def write(self, *, is_quick: bool = False) -> AsyncIterator[AsyncSession]:
        """A session whose changes are committed when the block ends without an error. Keep the block short.

        `is_quick`: as in `read`; only the commit, and waiting for other writers, is done in a thread then.
        """
        async with self._session(self._writer, is_quick=is_quick) as session:
            async with session.begin():
                yield session
            ended = session.info.get(ENDED_RUNS)
        if ended and self._runs_ended is not None:
            await self._runs_ended(ended)

    def when_runs_end(self, tell: RunsEnded) -> None:
        """Let it be told which runs a transaction has ended, once each, after its commit."""
        self._runs_ended = tell

    @staticmethod
    def has_open_session() -> bool:
        """Whether the code that asks stands inside a session: nobody may call a model or Telegram from there."""
        return _open_sessions.get() > 0

    async def close(self) -> None:
        await self._reader.dispose()
        if self._writer is not self._reader:
            await self._writer.dispose()

    @asynccontextmanager
    async def _session(self, engine: AsyncEngine, *, is_quick: bool) -> AsyncIterator[AsyncSession]:
        token = _open_sessions.set(_open_sessions.get() + 1)
        _asked_at.set(time.monotonic())
        _is_quick.set(is_quick)
        try:
            async with AsyncSession(engine, expire_on_commit=False) as session:
                yield session
        finally:
            _open_sessions.reset(token)


def _postgres_engine(url: URL, connections: int) -> AsyncEngine:
    """A connection that was not used for a moment is tried before it is used: the server may have been started anew.
    Trying all of them would cost as much as half of our statements."""
    engine = create_async_engine(
        url, pool_size=connections, max_overflow=0, hide_parameters=True, connect_args=POSTGRES_LIMITS
    )

    @event.listens_for(engine.sync_engine, "checkout")
    def try_it(connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        used_at = record.info.get("used_at")
        if used_at is not None and time.monotonic() - used_at > IDLE_S:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error:
                raise DisconnectionError from None

    @event.listens_for(engine.sync_engine, "checkin")
    def note_use(_: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    return engine


def _sqlite_engine(url: URL, *, connections: int, read_only: bool) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=60,
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "async_creator_fn": sqlite_driver.connect},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
            cursor.execute(f"PRAGMA {pragma}")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, OneTripConnection)
        if read_only:
            driver.begin_to_read(is_quick=_is_quick.get())
            return
        if _is_quick.get():
            connection.info["busy_timeout_ms"] = 0
            if driver.begin_to_write_at_once():
                return
        _be_patient(connection, _busy_timeout_ms(time.monotonic() - _asked_at.get()))
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _busy_timeout_ms(waited_s: float) -> int:
    """How long a writer may still wait for other processes: those who queued behind it have waited with it."""
    if waited_s < SHORT_WAIT_S:
        return BUSY_TIMEOUT_MS
    return max(LEAST_BUSY_TIMEOUT_MS, BUSY_TIMEOUT_MS - round(waited_s * 1000))


def _be_patient(connection: Connection, busy_timeout_ms: int) -> None:
    if connection.info.get("busy_timeout_ms", BUSY_TIMEOUT_MS) != busy_timeout_ms:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={busy_timeout_ms}")
        connection.info["busy_timeout_ms"] = busy_timeout_ms
