"""A bot's rate limit: messages are spaced evenly, with a burst of a few, by everybody who sends in its name together.

The rule is the generic cell rate algorithm (GCRA): the bucket is one number, the theoretical arrival time (TAT) of the
next message. In any second a bot sends `messages_per_second` + BURST messages at most, which keeps the default of 25
under Telegram's 30 (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this).
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import Redis

from pipeline.adapters.redis_client import asked, connect
from pipeline.errors import BrokerUnavailable
from pipeline.ports import LONGEST_RESERVATION_S, Limiter

T = TypeVar("T")
log = logging.getLogger(__name__)

BURST = 5

# KEYS: TAT in microseconds, pause. ARGV: microseconds a message, burst, messages, longest wait to reserve for.
# Returns microseconds to wait. Redis' own clock counts, so that the senders' clocks need not agree.
RESERVE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, wanted, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local start = now + math.max(redis.call('PTTL', KEYS[2]), 0) * 1000
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), start) + wanted * interval
local wait = math.max(tat - burst * interval, start) - now
if wait <= longest then
    redis.call('SET', KEYS[1], string.format('%.0f', tat), 'PX', string.format('%.0f', (tat - now) / 1000 + 1000))
end
return string.format('%.0f', wait)
"""

# A pause is only ever prolonged. KEYS: pause. ARGV: milliseconds.
PAUSE = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then
    redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
end
"""


class RedisLimiter:
    """Shared by all workers and bots of one Redis."""

    def __init__(self, url: str, messages_per_second: float) -> None:
        self._redis: Redis = connect(url)
        self._interval_us = round(1_000_000 / messages_per_second)
        self._heard: defaultdict[int, float] = defaultdict(float)  # pauses, known here at once
        self._reserve = self._redis.register_script(RESERVE)
        self._pause = self._redis.register_script(PAUSE)

    async def reserve(self, public_bot_id: int, messages: int) -> float:
        longest_us = round(LONGEST_RESERVATION_S * 1_000_000)
        keys = [f"digest:rate:{public_bot_id}", _pause_key(public_bot_id)]
        arguments = [self._interval_us, BURST, messages, longest_us]
        return int(await asked(self._reserve(keys=keys, args=arguments))) / 1_000_000

    async def pause(self, public_bot_id: int, seconds: float) -> None:
        self._heard[public_bot_id] = max(self._heard[public_bot_id], time.monotonic() + seconds)
        await asked(self._pause(keys=[_pause_key(public_bot_id)], args=[max(1, round(seconds * 1000))]))

    async def pause_left_s(self, public_bot_id: int) -> float:
        left_ms = int(await asked(self._redis.pttl(_pause_key(public_bot_id))))
        return max(left_ms / 1000, self._heard[public_bot_id] - time.monotonic(), 0.0)

    async def close(self) -> None:
        await self._redis.aclose()


class LocalLimiter:
    """For a process that sends alone."""

    def __init__(self, messages_per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = 1 / messages_per_second
        self._clock = clock
        self._tat: defaultdict[int, float] = defaultdict(float)
        self._paused_until: defaultdict[int, float] = defaultdict(float)

    async def reserve(self, public_bot_id: int, messages: int) -> float:
        now = self._clock()
        start = max(now, self._paused_until[public_bot_id])
        tat = max(self._tat[public_bot_id], start) + messages * self._interval_s
        wait_s = max(tat - BURST * self._interval_s, start) - now
        if wait_s <= LONGEST_RESERVATION_S:
            self._tat[public_bot_id] = tat
        return wait_s

    async def pause(self, public_bot_id: int, seconds: float) -> None:
        self._paused_until[public_bot_id] = max(self._paused_until[public_bot_id], self._clock() + seconds)

    async def pause_left_s(self, public_bot_id: int) -> float:
        return max(0.0, self._paused_until[public_bot_id] - self._clock())

    async def close(self) -> None:
        """Nothing to close."""


class LimiterWithFallback:
    """Shared while Redis answers, this process' own while it does not."""

    def __init__(self, shared: Limiter, own: Limiter) -> None:
        self._shared = shared
        self._own = own

    async def reserve(self, public_bot_id: int, messages: int) -> float:
        return await self._ask(lambda limiter: limiter.reserve(public_bot_id, messages))

    async def pause(self, public_bot_id: int, seconds: float) -> None:
        await self._own.pause(public_bot_id, seconds)
        await self._ask(lambda limiter: limiter.pause(public_bot_id, seconds))

    async def pause_left_s(self, public_bot_id: int) -> float:
        return await self._ask(lambda limiter: limiter.pause_left_s(public_bot_id))

    async def close(self) -> None:
        await self._shared.close()

    async def _ask(self, question: Callable[[Limiter], Awaitable[T]]) -> T:
        try:
            return await question(self._shared)
        except BrokerUnavailable:
            return await question(self._own)


def _pause_key(public_bot_id: int) -> str:
    return f"digest:pause:{public_bot_id}"
