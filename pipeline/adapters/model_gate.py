"""The limits of one model provider: requests and tokens in a minute, calls at the same time, pauses for everybody.

Calls are paced evenly, so that servers which count by the second are content, and logged for a minute and a second, so
that no window of a minute holds more than the limit, however long the way to the server is. Three failures in a row
are an outage: then everybody pauses, longer each time, and a single call finds out whether it is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextvars import Context

from redis.asyncio import Redis
from redis.exceptions import RedisError

from pipeline.adapters.model_gate_scripts import ENTER, LEAVE
from pipeline.adapters.redis_client import asked, connect
from pipeline.errors import BrokerUnavailable
from pipeline.ports import Admission, CallResult, Limits, ModelGate

log = logging.getLogger(__name__)

TICKET_S = 6.0  # a killed process' places are free again after so long
RENEW_EVERY_S = 2.0
WINDOW_S = 60.0
MARGIN = 61 / 60
BURST = 0.05  # of a minute's worth


class RedisModelGate:
    """Shared by all workers of one Redis that ask the same provider.

    Args:
        provider: what tells this provider from others.
        window_s: how long a "minute" is; tests use shorter ones.
    """

    def __init__(self, url: str, provider: str, limits: Limits, window_s: float = WINDOW_S) -> None:
        self._redis: Redis = connect(url)
        self._limits = limits
        self._window_us = round(window_s * MARGIN * 1_000_000)
        self._burst_us = round(window_s * BURST * 1_000_000)
        self._inside: set[str] = set()
        self._renewal: asyncio.Task[None] | None = None
        self._enter = self._redis.register_script(ENTER)
        self._leave = self._redis.register_script(LEAVE)
        names = ("log", "tokens", "inside", "pace", "pause", "failures")
        self._keys = {name: f"digest:model:{provider}:{name}" for name in names}

    async def enter(self, ticket: str, tokens: int) -> Admission:
        limits = self._limits
        arguments: list[str | int] = [ticket, tokens, limits.requests, limits.tokens, limits.concurrency]
        arguments += [self._window_us, self._burst_us, round(TICKET_S * 1_000_000)]
        wait_us, outage = await asked(self._enter(keys=list(self._keys.values()), args=arguments))
        if int(wait_us) == 0:
            self._inside.add(ticket)
            self._renewal = self._renewal or asyncio.create_task(self._renew(), context=Context())  # for all runs
        return Admission(int(wait_us) / 1_000_000, is_outage=bool(outage))

    async def leave(self, ticket: str, outcome: CallResult, tokens: int | None = None, pause_s: float = 0.0) -> int:
        self._inside.discard(ticket)
        keys = [self._keys[name] for name in ("tokens", "inside", "pace", "pause", "failures")]
        arguments: list[str | int] = [ticket, -1 if tokens is None else tokens, outcome.value, round(pause_s * 1000)]
        arguments += [self._limits.requests, self._limits.tokens, self._window_us]
        return int(await asked(self._leave(keys=keys, args=arguments)))

    async def close(self) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)
        await self._redis.aclose()

    async def _renew(self) -> None:
        """A place is kept while its process lives."""
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            if self._inside:
                with contextlib.suppress(RedisError, OSError):
                    seconds, microseconds = await self._redis.time()
                    until = seconds * 1_000_000 + microseconds + TICKET_S * 1_000_000
                    await self._redis.zadd(self._keys["inside"], dict.fromkeys(self._inside, until), xx=True)


class ModelGateWithFallback:
    """Shared while Redis answers; while it does not, each process keeps the limits by itself."""

    def __init__(self, shared: ModelGate, own: ModelGate) -> None:
        self._shared = shared
        self._own = own

    async def enter(self, ticket: str, tokens: int) -> Admission:
        try:
            return await self._shared.enter(ticket, tokens)
        except BrokerUnavailable:
            return await self._own.enter(ticket, tokens)

    async def leave(self, ticket: str, outcome: CallResult, tokens: int | None = None, pause_s: float = 0.0) -> int:
        failures = await self._own.leave(ticket, outcome, tokens, pause_s)
        try:
            return await self._shared.leave(ticket, outcome, tokens, pause_s)
        except BrokerUnavailable:
            return failures

    async def close(self) -> None:
        await self._shared.close()
