"""The limits of a model provider for a process that asks alone; the rules are those of `model_gate`."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from pipeline.adapters.model_gate import BURST, MARGIN, WINDOW_S
from pipeline.ports import Admission, CallResult, Limits
from pipeline.stages.backoff import OUTAGE_AFTER, outage_pause_s

FULL_S = 0.05


class LocalModelGate:
    """Args: window_s: how long a "minute" is; clock: seconds, any origin."""

    def __init__(self, limits: Limits, window_s: float = WINDOW_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._window_s = window_s * MARGIN
        self._burst_s = window_s * BURST
        self._clock = clock
        self._log: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._total = 0
        self._inside: set[str] = set()
        self._tat = 0.0
        self._paused_until = 0.0
        self._failures = 0

    async def enter(self, ticket: str, tokens: int) -> Admission:
        now = self._clock()
        is_outage = self._failures >= OUTAGE_AFTER
        if now < self._paused_until:
            return Admission(self._paused_until - now, is_outage)
        if len(self._inside) >= (1 if is_outage else self._limits.concurrency):
            return Admission(FULL_S, is_outage)
        if (wait_s := self._wait_s(tokens, now)) > 0:
            return Admission(max(wait_s, 0.001), is_outage)
        self._write_down(ticket, tokens, now)
        self._inside.add(ticket)
        return Admission(0.0, is_outage)

    async def leave(self, ticket: str, outcome: CallResult, tokens: int | None = None, pause_s: float = 0.0) -> int:
        now = self._clock()
        self._inside.discard(ticket)
        if ticket in self._log and tokens is not None:
            at, size = self._log[ticket]
            self._log[ticket] = (at, tokens)
            self._total += tokens - size
            self._tat -= (self._share(size) - self._share(tokens)) * self._window_s
        if outcome is CallResult.WORKED:
            self._failures = 0
        elif outcome is CallResult.BLOCKED:
            self._failures = OUTAGE_AFTER
        elif outcome is CallResult.FAILED and now >= self._paused_until:
            self._failures += 1
            pause_s = max(pause_s, outage_pause_s(self._failures))
        self._paused_until = max(self._paused_until, now + pause_s)
        return self._failures

    async def close(self) -> None:
        """Nothing to close."""

    def _wait_s(self, tokens: int, now: float) -> float:
        limits = self._limits
        while self._log and next(iter(self._log.values()))[0] <= now - self._window_s:
            self._total -= self._log.popitem(last=False)[1][1]
        wait_s = max(self._tat - self._burst_s, 0.0) - now
        if limits.requests and len(self._log) >= limits.requests:
            wait_s = max(wait_s, next(iter(self._log.values()))[0] + self._window_s - now)
        over = self._total + min(tokens, limits.tokens) - limits.tokens if limits.tokens else 0
        for at, size in self._log.values():
            if over <= 0:
                break
            over -= size
            wait_s = max(wait_s, at + self._window_s - now)
        return wait_s

    def _write_down(self, ticket: str, tokens: int, now: float) -> None:
        limits = self._limits
        if not limits.requests and not limits.tokens:
            return
        size = min(tokens, limits.tokens) if limits.tokens else 0
        self._tat = max(self._tat, now) + self._share(size) * self._window_s
        self._log[ticket] = (now, size)
        self._total += size

    def _share(self, tokens: int) -> float:
        """What part of a window's worth a call of so many tokens is."""
        limits = self._limits
        return max(1 / limits.requests if limits.requests else 0, tokens / limits.tokens if limits.tokens else 0)
