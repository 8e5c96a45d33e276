"""One Redis, one model server and one installation with a worker for a whole file of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import Installation
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer, running_redis
from tests.servers.threads import ServerThread


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    """It answers from a thread of its own, so that tests may block."""
    server = ModelServer(latency_s=0.02)
    with ServerThread(server.start, server.stop):
        yield server


@pytest.fixture(scope="module")
def installation(
    tmp_path_factory: pytest.TempPathFactory, redis: RedisServer, model: ModelServer
) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("installation")
    made = Installation(folder, DIGEST_REDIS__URL=redis.url, DIGEST_LLM__BASE_URL=model.base_url)
    yield made
    made.stop_all()
