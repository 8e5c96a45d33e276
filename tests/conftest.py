"""Fixtures for all tests: a migrated database, the corpus, a real Redis, a real PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from settings import HOME
from storage.database import Database, database_url
from storage.schema import migrate


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty SQLite database of the present schema."""
    url = database_url(f"sqlite:///{tmp_path}/digest.db", HOME)
    await migrate(url)
    database = Database(url)
    yield database
    await database.close()


@pytest.fixture
def corpus() -> Path:
    """The folder with real posts that nobody here wrote; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("DIGEST_TEST_CORPUS") or HOME.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no corpus at {folder}: set DIGEST_TEST_CORPUS")
    return folder
