"""How much of one person or chat is listened to."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

MOST_KEYS = 10_000


class Throttle:
    """Admits so many events of one key in any so many seconds.

    Of more than `MOST_KEYS` keys, those that were quiet longest are forgotten.
    """

    def __init__(self, events: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._events = events
        self._seconds = seconds
        self._clock = clock
        self._times: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def admits(self, key: Hashable) -> bool:
        """Count an event; False: it is one too many."""
        now = self._clock()
        times = self._times.setdefault(key, deque(maxlen=self._events))
        self._times.move_to_end(key)
        if len(self._times) > MOST_KEYS:
            self._times.popitem(last=False)
        if len(times) == self._events and times[0] > now - self._seconds:
            return False
        times.append(now)
        return True
