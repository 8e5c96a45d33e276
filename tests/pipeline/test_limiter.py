"""A bot's rate limit is shared by everybody who sends in its name, and nobody sends while Telegram wants silence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from pipeline.adapters.limiter import BURST, LimiterWithFallback, LocalLimiter, RedisLimiter
from pipeline.errors import BrokerUnavailable
from pipeline.ports import LONGEST_RESERVATION_S, Limiter
from tests.servers.redis_server import RedisServer, running_redis

PER_SECOND = 50


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["redis", "local"])
async def limiter(request: pytest.FixtureRequest) -> AsyncIterator[Limiter]:
    made: Limiter
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis")
        server.empty()
        made = RedisLimiter(server.url, PER_SECOND)
    else:
        made = LocalLimiter(PER_SECOND)
    yield made
    await made.close()


async def test_a_burst_goes_at_once_and_the_rest_evenly(limiter: Limiter) -> None:
    assert await limiter.reserve(1, BURST) == 0
    began = time.monotonic()
    waits = [await limiter.reserve(1, 1) for _ in range(10)]
    took = time.monotonic() - began
    for number, wait_s in enumerate(waits, start=1):
        assert number / PER_SECOND - took - 0.01 <= wait_s <= number / PER_SECOND + 0.01


async def test_each_bot_has_a_rate_of_its_own(limiter: Limiter) -> None:
    for _ in range(10):
        await limiter.reserve(1, BURST)
    assert await limiter.reserve(2, BURST) == 0


async def test_places_far_away_are_not_taken(limiter: Limiter) -> None:
    """Who is told to come back later may never come: the places must stay free for those who do."""
    wait_s = 0.0
    while wait_s <= LONGEST_RESERVATION_S:
        wait_s = await limiter.reserve(1, BURST)
    again = [await limiter.reserve(1, BURST) for _ in range(20)]
    assert max(again) <= wait_s + 0.01


async def test_nothing_is_permitted_before_a_pause_ends(limiter: Limiter) -> None:
    assert await limiter.pause_left_s(1) == 0
    await limiter.pause(1, 1.5)
    assert 1.0 < await limiter.pause_left_s(1) <= 1.5
    assert await limiter.reserve(1, 1) > 1.0
    assert await limiter.pause_left_s(2) == 0
    assert await limiter.reserve(2, 1) == 0


async def test_a_shorter_pause_does_not_end_a_longer_one(limiter: Limiter) -> None:
    await limiter.pause(1, 2.0)
    await limiter.pause(1, 0.2)
    assert await limiter.pause_left_s(1) > 1.5


async def test_many_senders_together_keep_to_the_rate(redis: RedisServer) -> None:
    """Twelve senders with clients of their own, as twelve workers have."""
    redis.empty()
    senders = [RedisLimiter(redis.url, PER_SECOND) for _ in range(12)]
    granted: list[float] = []
    ends_at = time.monotonic() + 2.0

    async def send(limiter: RedisLimiter) -> None:
        while True:
            wait_s = await limiter.reserve(1, BURST)
            if time.monotonic() + wait_s > ends_at:
                return
            await asyncio.sleep(wait_s)
            granted.extend([time.monotonic()] * BURST)

    began = time.monotonic()
    await asyncio.gather(*(send(limiter) for limiter in senders))
    permitted = PER_SECOND * (ends_at - began) + BURST
    assert len(granted) <= permitted + 1
    assert len(granted) >= 0.8 * permitted, "the rate is used"
    for limiter in senders:
        await limiter.close()


async def test_when_redis_is_away_a_worker_is_told_and_the_bot_limits_itself(tmp_path: Path) -> None:
    nowhere = RedisLimiter("redis://127.0.0.1:1/0", PER_SECOND)
    for question in (nowhere.reserve(1, 1), nowhere.pause(1, 1.0), nowhere.pause_left_s(1)):
        with pytest.raises(BrokerUnavailable):
            await question
    both = LimiterWithFallback(nowhere, LocalLimiter(PER_SECOND))
    assert await both.reserve(1, BURST) == 0
    assert await both.reserve(1, BURST) > 0
    await both.pause(1, 5.0)
    assert await both.pause_left_s(1) > 4
    await both.close()
