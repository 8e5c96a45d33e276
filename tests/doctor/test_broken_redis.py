"""The doctor on a Redis that is away, forgets, throws away, refuses, or is somebody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from redis import Redis

from pipeline.adapters.nameplate import KEY
from storage import installation
from tests.doctor.ward import Ward
from tests.servers.redis_server import RedisServer

Broken = Callable[[Redis], object]
Mended = Callable[[Redis], object]

BREAKAGES: dict[str, tuple[Broken, Mended, str]] = {
    "it throws entries away": (
        lambda redis: redis.config_set("maxmemory-policy", "allkeys-lru"),
        lambda redis: redis.config_set("maxmemory-policy", "noeviction"),
        "(maxmemory-policy allkeys-lru), calls to workers too. Set “maxmemory-policy noeviction”",
    ),
    "it forgets": (
        lambda redis: redis.config_set("appendonly", "no"),
        lambda redis: redis.config_set("appendonly", "yes"),
        "it keeps nothing over a restart (no append-only file): limits and calls to workers would be lost. Set",
    ),
    "it is a replica": (
        lambda redis: redis.execute_command("REPLICAOF 127.0.0.1 1"),  # type: ignore[no-untyped-call]
        lambda redis: redis.execute_command("REPLICAOF NO ONE"),  # type: ignore[no-untyped-call]
        "it is a replica and takes no messages. Let redis.url name the primary.",
    ),
    "it is another installation's": (
        lambda redis: redis.set(KEY, "another-installation"),
        lambda redis: redis.delete(KEY),
        "Another installation with a database of its own works with the same Redis",
    ),
}


@contextmanager
def client(server: RedisServer) -> Iterator[Redis]:
    with Redis.from_url(server.url) as redis:
        yield redis


@pytest.mark.parametrize("what", BREAKAGES)
async def test_what_is_wrong_with_redis_is_named(ward: Ward, what: str) -> None:
    breaks, mends, said = BREAKAGES[what]
    async with ward.write() as session:
        await installation.name(session)
    with client(ward.redis) as redis:
        breaks(redis)
        try:
            report = await ward.doctor()
        finally:
            mends(redis)
    assert report.code == 1
    assert report.faults.keys() == {"Redis"}
    assert said in report.about("Redis")


async def test_a_redis_that_was_stopped_is_named_with_the_command_that_starts_it(ward: Ward) -> None:
    ward.redis.stop()
    try:
        report = await ward.doctor()
    finally:
        ward.redis.start()
    assert report.code == 1
    assert report.faults.keys() == {"Redis"}
    assert "it cannot be reached" in report.about("Redis")
    assert "Start it with scripts/start_redis.sh" in report.about("Redis")
    assert "Model: gpt-4.1-mini answers in" in "\n".join(report.lines), "the rest is looked at all the same"


async def test_a_redis_that_hangs_holds_up_nothing_else(ward: Ward) -> None:
    ward.redis.freeze()
    try:
        report = await ward.doctor()
    finally:
        ward.redis.thaw()
    assert report.code == 1
    assert report.faults.keys() == {"Redis"}
    assert "it cannot be reached (TimeoutError" in report.about("Redis")


@pytest.mark.parametrize("login", ["", ":K2rRedisPassword4f@"])
async def test_a_wrong_password_and_a_missing_one_are_told_apart_from_a_redis_that_is_away(
    ward: Ward, login: str
) -> None:
    ward.variables["REDIS__URL"] = ward.redis.url.replace("://", f"://{login}")
    with client(ward.redis) as redis:
        redis.config_set("requirepass", "the right one")
        try:
            report = await ward.doctor()
        finally:
            redis.config_set("requirepass", "")
    assert report.code == 1
    assert "it refuses the user or the password of redis.url. Correct DIGEST_REDIS__URL" in report.faults["Redis"]
    assert "K2rRedisPassword4f" not in "\n".join(report.lines)
