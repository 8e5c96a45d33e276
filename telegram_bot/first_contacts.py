"""The pace at which Telegram is shown tokens that it may not know yet."""

from __future__ import annotations

import asyncio
import time
from collections import deque

PER_MINUTE = 20  # what a Bot API server admits from one address
WINDOW_S = 61.0  # a minute by Telegram's clock, whatever the way there takes


class FirstContacts:
    """Lets so many new tokens through in any minute, in the order they came, and none while Telegram asks to wait."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=PER_MINUTE)
        self._not_before = 0.0
        self._one_at_a_time = asyncio.Lock()

    async def wait(self) -> None:
        """Return when a new token may be used, once."""
        async with self._one_at_a_time:
            while (left_s := self._left_s()) > 0:  # noqa: ASYNC110 - no event but time, which may be put off meanwhile
                await asyncio.sleep(left_s)
            self._times.append(time.monotonic())

    def pause(self, seconds: float) -> None:
        """Telegram refused a new token and said when to come again."""
        self._not_before = max(self._not_before, time.monotonic() + seconds)

    def _left_s(self) -> float:
        is_full = len(self._times) == self._times.maxlen
        return max(self._not_before, self._times[0] + WINDOW_S if is_full else 0.0) - time.monotonic()
