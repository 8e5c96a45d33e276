"""A PostgreSQL that permits no more connections is waited for, like one that is away, and said to be that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from settings import HOME
from storage.database import AWAY, Database, database_url, trouble
from storage.schema import DatabaseUnreachable, migrate

PERMITTED = 3


@pytest.fixture
def crowded_url(postgres_url: str) -> Iterator[str]:
    """For a user who may open three connections."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE crowded LOGIN CONNECTION LIMIT {PERMITTED}")
        connection.execute("GRANT ALL ON SCHEMA public TO crowded")
    yield postgres_url.replace("//postgres:", "//crowded:", 1)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP OWNED BY crowded CASCADE")
        connection.execute("DROP ROLE crowded")


@pytest.fixture
async def open_database(crowded_url: str) -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def make_database(stack: AsyncExitStack, setting: str, pool_size: int) -> Database:
    database = Database(database_url(setting, HOME), pool_size)
    stack.push_async_callback(database.close)
    return database


async def ask(database: Database) -> int:
    async with database.read() as session:
        return int((await session.execute(text("SELECT 1"))).scalar_one())


@asynccontextmanager
async def all_taken(database: Database) -> AsyncIterator[None]:
    """Every connection that is permitted is in use."""
    async with AsyncExitStack() as stack:
        for _ in range(PERMITTED):
            session = await stack.enter_async_context(database.read())
            await session.execute(text("SELECT 1"))
        yield


async def test_who_gets_no_connection_waits_and_goes_on_as_soon_as_there_is_one(
    crowded_url: str, open_database: AsyncExitStack
) -> None:
    first = make_database(open_database, crowded_url, PERMITTED)
    second = make_database(open_database, crowded_url, 1)
    async with all_taken(first):
        with pytest.raises(AWAY) as refused:
            await ask(second)
    assert isinstance(refused.value, SQLAlchemyError)
    assert trouble(refused.value).startswith("it permits no more connections")
    await first.close()
    assert await ask(second) == 1


async def test_a_process_opens_no_more_connections_than_it_may(crowded_url: str, open_database: AsyncExitStack) -> None:
    database = make_database(open_database, crowded_url, PERMITTED)
    assert await asyncio.gather(*(ask(database) for _ in range(50))) == [1] * 50


async def test_a_start_without_a_connection_left_is_refused_with_a_sentence(
    crowded_url: str, open_database: AsyncExitStack
) -> None:
    async with all_taken(make_database(open_database, crowded_url, PERMITTED)):
        with pytest.raises(DatabaseUnreachable, match="too many connections"):
            await migrate(database_url(crowded_url, HOME))
