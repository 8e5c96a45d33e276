"""Fixtures for all tests: a migrated database, the corpus, a real Redis, a real PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from settings import HOME
from storage.database import Database, database_url
from storage.schema import migrate
from tests.servers.postgres_server import NoPostgres, PostgresServer

LONGEST_FIRST = ("delivery", "story", "faults", "engines")  # so that nobody works alone in the end


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folders whose files take longest come first, when files are shared out among processes."""
    ranks = {folder: rank for rank, folder in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path.parent.name, len(ranks)))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty SQLite database of the present schema."""
    url = database_url(f"sqlite:///{tmp_path}/digest.db", HOME)
    await migrate(url)
    database = Database(url)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests that ask for it; they are skipped where none can be started."""
    try:
        server = PostgresServer()
    except NoPostgres as error:
        pytest.skip(str(error))
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty PostgreSQL database, as a person would write its URL into the settings."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """An empty database of each kind."""
    setting = (
        f"sqlite:///{tmp_path}/digest.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    )
    return database_url(setting, HOME)


@pytest.fixture
async def any_database(any_url: URL) -> AsyncIterator[Database]:
    """A database of the present schema, of each kind."""
    await migrate(any_url)
    database = Database(any_url)
    yield database
    await database.close()


@pytest.fixture
def corpus() -> Path:
    """The folder with real posts that nobody here wrote; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("DIGEST_TEST_CORPUS") or HOME.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no corpus at {folder}: set DIGEST_TEST_CORPUS")
    return folder
