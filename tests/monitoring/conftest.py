"""A real installation for all tests of this folder: Redis with a password, a worker, a model server, posts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from redis import Redis

from settings import HOME
from storage.database import Database, database_url
from storage.schema import migrate
from tests.faults.leaks import PASSWORD
from tests.processes import DEADLINE_S, Installation
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer
from tests.servers.threads import ServerThread
from tests.support import make_posts, open_desk

ORDER = ("digest", "city", "--period", "2026-11-02..2026-11-03", "--wait", "--no-deliver")


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    with Redis.from_url(server.url) as client:
        client.config_set("requirepass", PASSWORD.value)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def model() -> Iterator[ModelServer]:
    """It answers from a thread of its own, so that tests may block."""
    server = ModelServer(latency_s=0.02)
    with ServerThread(server.start, server.stop):
        yield server


@pytest.fixture(scope="session")
def installation(
    tmp_path_factory: pytest.TempPathFactory, redis: RedisServer, model: ModelServer
) -> Iterator[Installation]:
    """A public bot that reads 23 posts, and a worker, "north", that is ready."""
    folder: Path = tmp_path_factory.mktemp("installation")
    made = Installation(
        folder,
        DIGEST_REDIS__URL=f"redis://:{quote(PASSWORD.value, safe='')}@127.0.0.1:{redis.port}/0",
        DIGEST_LLM__BASE_URL=model.base_url,
        DIGEST_FLOWER_DIR=str(folder / "flower"),
    )
    asyncio.run(store_posts(made))
    made.start_worker("north", "--concurrency", "4")
    wait_for_worker(made)
    yield made
    made.stop_all()


async def store_posts(installation: Installation) -> None:
    url = database_url(installation.database_url, HOME)
    await migrate(url)
    database = Database(url)
    await open_desk(database, make_posts(23))
    await database.close()


def wait_for_worker(installation: Installation) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while " ready." not in installation.log("north"):
        assert time.monotonic() < deadline, installation.log("north")
        time.sleep(0.05)
