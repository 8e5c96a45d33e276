"""Asking Redis from the event loop: the limits and signs that all processes share."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from pipeline.adapters.doorbell import as_redis_py_writes_it, cause
from pipeline.errors import BrokerUnavailable

T = TypeVar("T")

TIMEOUT_S = 1.0


def connect(url: str, *, decode_responses: bool = False) -> Redis:
    """A client that gives up soon; it belongs to the loop it is first used on."""
    return Redis.from_url(
        as_redis_py_writes_it(url),
        socket_connect_timeout=TIMEOUT_S,
        socket_timeout=TIMEOUT_S,
        decode_responses=decode_responses,
    )


async def asked(answer: Awaitable[T]) -> T:
    """What Redis answers.

    Raises:
        BrokerUnavailable: it cannot be asked.
    """
    try:
        return await answer
    except (RedisError, OSError) as error:
        raise BrokerUnavailable(cause(error)) from None
