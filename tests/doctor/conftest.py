"""One Redis for a file of tests; a ward with its own database and its own servers for each test."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from settings import HOME
from storage.database import database_url
from storage.schema import migrate
from tests.doctor.ward import Ward
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer, running_redis
from tests.servers.telegram_server import TelegramServer


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file of the present schema, to be copied: that is faster than making one for each test."""
    file = tmp_path_factory.mktemp("empty") / "digest.db"
    asyncio.run(migrate(database_url(f"sqlite:///{file}", HOME)))
    return file


@pytest.fixture
async def ward(
    tmp_path: Path,
    empty_database: Path,
    redis: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Ward]:
    async with ModelServer() as model, TelegramServer() as telegram:
        folder = tmp_path / "ward"
        folder.mkdir()
        shutil.copy(empty_database, folder)
        made = Ward(folder, redis, model, telegram, monkeypatch, capsys)
        await made.open()
        yield made
