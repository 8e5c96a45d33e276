"""A model server that counts: so many requests and tokens in any minute, and 429 for what is more."""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import dataclass, field

from .model_answers import Question, good_answers
from .model_faults import Override, error


@dataclass
class EnforcedLimits:
    """A `Behaviour`. What is let in counts for a sliding window; a refusal costs nothing."""

    requests: int
    tokens: int
    window_s: float = 60.0
    let_in: list[tuple[float, int]] = field(default_factory=list)  # when, and how many tokens
    refused_at: list[float] = field(default_factory=list)
    _window: deque[tuple[float, int]] = field(default_factory=deque)

    def __call__(self, question: Question) -> Override | None:
        now, size = time.monotonic(), tokens_of(question)
        while self._window and self._window[0][0] <= now - self.window_s:
            self._window.popleft()
        used = sum(tokens for _, tokens in self._window)
        if len(self._window) + 1 > self.requests or used + size > self.tokens:
            self.refused_at.append(now)
            return error(429, "Rate limit reached", headers={"Retry-After": "5"}, type="tokens")
        self._window.append((now, size))
        self.let_in.append((now, size))
        return None

    def used(self, begin: float, end: float) -> float:
        """The share of the tighter limit that was used between two moments."""
        inside = [size for at, size in self.let_in if begin <= at < end]
        windows = (end - begin) / self.window_s
        return max(len(inside) / (self.requests * windows), sum(inside) / (self.tokens * windows))


def tokens_of(question: Question) -> int:
    """What the server's `usage` says of a good answer to this question."""
    written = json.dumps(good_answers(question), ensure_ascii=False)
    return (len(question.system) + len(question.user)) // 4 + len(written) // 4
