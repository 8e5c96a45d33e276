"""Ringing for Celery's workers with a real Redis, which goes away and comes back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis import Redis

from pipeline.adapters.doorbell import CeleryDoorbell
from pipeline.errors import BrokerUnavailable
from storage.records import Engine, Ring, WorkKind
from tests.servers.redis_server import RedisServer, running_redis

BATCHES = [Ring(work_id, 1, WorkKind.CATEGORIZE, Engine.CELERY) for work_id in (7, 8, 9)]


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture
async def doorbell(own_redis: RedisServer) -> AsyncIterator[CeleryDoorbell]:
    doorbell = CeleryDoorbell(own_redis.url, lambda: None)
    yield doorbell
    await doorbell.close()


def rung_for(redis: RedisServer) -> list[str]:
    """The arguments of the messages in the queue, first come first."""
    with Redis.from_url(redis.url) as client:
        return [json.loads(message)["headers"]["argsrepr"] for message in reversed(client.lrange("categorize", 0, -1))]


async def test_all_are_rung_for_in_their_order(doorbell: CeleryDoorbell, own_redis: RedisServer) -> None:
    await doorbell.ring(BATCHES)

    assert rung_for(own_redis) == ["[7]", "[8]", "[9]"]


@pytest.mark.parametrize("has_rung", [False, True], ids=["the first ring", "a later one"])
async def test_a_redis_that_is_gone_is_said_so(
    doorbell: CeleryDoorbell, own_redis: RedisServer, has_rung: bool
) -> None:
    if has_rung:
        await doorbell.ring(BATCHES)
    own_redis.kill()

    for _ in range(3):
        with pytest.raises(BrokerUnavailable) as raised:
            await doorbell.ring(BATCHES)
        assert "127.0.0.1" not in str(raised.value)


async def test_it_rings_again_when_redis_is_back(doorbell: CeleryDoorbell, own_redis: RedisServer) -> None:
    await doorbell.ring(BATCHES)
    own_redis.kill()
    with pytest.raises(BrokerUnavailable):
        await doorbell.ring(BATCHES)
    own_redis.start()

    await doorbell.ring(BATCHES[:1])

    assert rung_for(own_redis)[-1:] == ["[7]"]


async def test_a_redis_that_was_started_again_meanwhile_is_not_noticed(
    doorbell: CeleryDoorbell, own_redis: RedisServer
) -> None:
    await doorbell.ring(BATCHES)
    own_redis.kill()
    own_redis.start()

    await doorbell.ring(BATCHES[:1])

    assert rung_for(own_redis)[-1:] == ["[7]"]
