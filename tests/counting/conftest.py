"""A real Redis behind a proxy that counts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.counting.redis_proxy import RedisProxy
from tests.servers.redis_server import RedisServer, running_redis
from tests.servers.threads import ServerThread


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def proxy(redis: RedisServer) -> Iterator[RedisProxy]:
    """It works in a thread of its own, so that tests may block."""
    between = RedisProxy(redis.url)
    with ServerThread(between.start, between.stop):
        yield between
