"""What Redis says of itself: how fast it answers, what stalled it, how much memory it has."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from pipeline.adapters.doorbell import as_redis_py_writes_it, cause
from pipeline.errors import BrokerUnavailable

TIMEOUT_S = 2.0
PINGS = 20
SETTING = "latency-monitor-threshold"


@dataclass(frozen=True)
class Stall:
    """One kind of event of Redis' latency monitor."""

    event: str
    last_ms: int
    worst_ms: int
    last_at: float  # Unix time


@dataclass(frozen=True)
class BrokerLook:
    """`threshold_ms` is what its latency monitor notes from; None: some providers let nobody ask or set it."""

    version: str
    middle_ms: float
    slowest_ms: float
    threshold_ms: int | None
    stalls: tuple[Stall, ...]
    used_bytes: int
    most_bytes: int  # 0: as much as there is
    policy: str
    clients: int


def look_at_broker(url: str, threshold_ms: int) -> BrokerLook:
    """Switch its latency monitor on, where it is off, and see.

    Raises:
        BrokerUnavailable: it cannot be asked.
    """
    try:
        with Redis.from_url(
            as_redis_py_writes_it(url),
            socket_connect_timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            decode_responses=True,
        ) as client:
            return _look(client, threshold_ms)
    except (RedisError, OSError) as error:
        raise BrokerUnavailable(cause(error)) from None


def _look(client: Redis, threshold_ms: int) -> BrokerLook:
    taken = [_ping_ms(client) for _ in range(PINGS)]
    info: Mapping[str, Any] = client.info()
    return BrokerLook(
        version=str(info["redis_version"]),
        middle_ms=statistics.median(taken),
        slowest_ms=max(taken),
        threshold_ms=_switch_on(client, threshold_ms),
        stalls=_stalls(client),
        used_bytes=int(info["used_memory"]),
        most_bytes=int(info["maxmemory"]),
        policy=str(info["maxmemory_policy"]),
        clients=int(info["connected_clients"]),
    )


def _ping_ms(client: Redis) -> float:
    started = time.perf_counter()
    client.ping()
    return (time.perf_counter() - started) * 1000


def _switch_on(client: Redis, threshold_ms: int) -> int | None:
    """A threshold that somebody has set stays as it is."""
    try:
        present = int(client.config_get(SETTING)[SETTING] or 0)
        if present == 0:
            client.config_set(SETTING, threshold_ms)
            present = threshold_ms
    except (ResponseError, KeyError):
        return None
    return present


def _stalls(client: Redis) -> tuple[Stall, ...]:
    latest: Sequence[Sequence[Any]] = []
    with suppress(ResponseError):
        latest = client.execute_command("LATENCY LATEST")  # type: ignore[no-untyped-call]
    return tuple(Stall(str(one[0]), int(one[2]), int(one[3]), float(one[1])) for one in latest)
