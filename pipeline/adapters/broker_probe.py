"""What a Redis says of itself, and whose it is; nothing is changed there."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from math import ceil
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, AuthorizationError, BusyLoadingError, RedisError, ResponseError

from pipeline.adapters.doorbell import cause
from pipeline.adapters.nameplate import KEY
from pipeline.adapters.redis_client import connect
from pipeline.checks.seen import BrokerRefusal, BrokerRefused, BrokerSeen
from pipeline.errors import BrokerUnavailable
from pipeline.queues import ALL_QUEUES

T = TypeVar("T")


class RedisProbe:
    """Looks at the Redis, and at the one of its databases, that the settings name."""

    def __init__(self, url: str) -> None:
        self._redis: Redis = connect(url, decode_responses=True)

    async def look(self) -> BrokerSeen:
        await _asked(self._redis.ping())
        started = time.perf_counter()
        await _asked(self._redis.ping())
        took_ms = ceil((time.perf_counter() - started) * 1000)
        name = await _asked(self._redis.get(KEY))
        return _seen(await _asked(self._redis.info()), took_ms, str(name) if name is not None else None)

    async def time(self) -> datetime:
        seconds, microseconds = await _asked(self._redis.time())
        return datetime.fromtimestamp(seconds + microseconds / 1_000_000, UTC)

    async def depths(self) -> Mapping[str, int]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for queue in ALL_QUEUES:
                pipe.llen(queue)
            return dict(zip(ALL_QUEUES, await _asked(pipe.execute()), strict=True))

    async def close(self) -> None:
        await self._redis.aclose()


def _seen(info: Mapping[str, Any], took_ms: int, installation: str | None) -> BrokerSeen:
    is_valkey = info.get("server_name") == "valkey"
    if info.get("loading"):
        raise BrokerRefused(BrokerRefusal.LOADING)
    return BrokerSeen(
        product="Valkey" if is_valkey else "Redis",
        version=str(info["valkey_version"] if is_valkey else info["redis_version"]),
        took_ms=took_ms,
        is_replica=info.get("role") == "slave",
        is_append_only=bool(info.get("aof_enabled")),
        write_error=info.get("aof_last_write_status", "ok") != "ok",
        policy=str(info.get("maxmemory_policy", "noeviction")),
        used_bytes=int(info.get("used_memory", 0)),
        most_bytes=int(info.get("maxmemory", 0)),
        installation=installation,
    )


async def _asked(answer: Awaitable[T]) -> T:
    """Raises: BrokerUnavailable, BrokerRefused."""
    try:
        return await answer
    except BusyLoadingError:
        raise BrokerRefused(BrokerRefusal.LOADING) from None
    except (AuthenticationError, AuthorizationError):
        raise BrokerRefused(BrokerRefusal.PASSWORD) from None
    except ResponseError as error:
        if str(error).startswith(("NOAUTH", "NOPERM", "WRONGPASS", "LOADING")):
            is_loading = str(error).startswith("LOADING")
            raise BrokerRefused(BrokerRefusal.LOADING if is_loading else BrokerRefusal.PASSWORD) from None
        raise BrokerUnavailable(cause(error)) from None
    except (RedisError, OSError) as error:
        raise BrokerUnavailable(cause(error)) from None
