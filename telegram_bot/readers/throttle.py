"""How much of one reader is listened to."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

MOST_KEYS = 10_000


class Throttle:
    """Admits so many events of one key in any so many seconds."""

    def __init__(self, events: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._events = events
        self._seconds = seconds
        self._clock = clock
        self._times: dict[Hashable, deque[float]] = {}

    def admits(self, key: Hashable) -> bool:
        """Count an event; False: it is one too many."""
        now = self._clock()
        if len(self._times) >= MOST_KEYS:
            self._forget_before(now - self._seconds)
        times = self._times.setdefault(key, deque(maxlen=self._events))
        if len(times) == self._events and times[0] > now - self._seconds:
            return False
        times.append(now)
        return True

    def _forget_before(self, moment: float) -> None:
        self._times = {key: times for key, times in self._times.items() if times[-1] > moment}


@dataclass(frozen=True)
class Throttles:
    """What is kept in bounds, by public bot and chat."""

    messages: Throttle = field(default_factory=lambda: Throttle(20, 60.0))
    presses: Throttle = field(default_factory=lambda: Throttle(60, 60.0))
    digests: Throttle = field(default_factory=lambda: Throttle(1, 10.0))
    hints: Throttle = field(default_factory=lambda: Throttle(1, 10.0))
