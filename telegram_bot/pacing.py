"""When a chat may be written to again."""

from __future__ import annotations

import time


class Pace:
    """The pauses of each chat: our own between two messages, and those that Telegram asks for."""

    def __init__(self) -> None:
        self._polite_until: dict[int, float] = {}
        self._told_until: dict[int, float] = {}

    def pause(self, chat_id: int, seconds: float) -> None:
        """Something goes to this chat now; the next edit or part of a digest comes so many seconds later."""
        self._polite_until[chat_id] = time.monotonic() + seconds

    def obey(self, chat_id: int, seconds: float) -> None:
        """Nothing at all to this chat for so many seconds."""
        self._told_until[chat_id] = time.monotonic() + seconds

    def left_s(self, chat_id: int, *, is_answer: bool = False) -> float:
        """Seconds until something may go to this chat, 0 or less: now. An answer waits only for what Telegram said."""
        until = self._told_until.get(chat_id, 0.0)
        if not is_answer:
            until = max(until, self._polite_until.get(chat_id, 0.0))
        return until - time.monotonic()
