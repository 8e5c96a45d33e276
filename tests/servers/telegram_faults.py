"""Faults that a test can order for a call: `telegram.fault = lambda call: Fault.drop() if … else None`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from .telegram_records import Call


class FaultKind(Enum):
    DELAY = auto()
    ERROR = auto()
    HTML = auto()
    DROP = auto()
    LOSE_ANSWER = auto()
    HANG = auto()
    DELIVER_AND_HANG = auto()


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one call, after `delay_s` seconds."""

    kind: FaultKind
    delay_s: float = 0.0
    status: int = 500
    description: str = ""
    parameters: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def delay(cls, delay_s: float) -> Fault:
        """The call works, but late."""
        return cls(FaultKind.DELAY, delay_s)

    @classmethod
    def error(cls, status: int, description: str, delay_s: float = 0.0, **parameters: int) -> Fault:
        """Nothing is done and this is the answer; parameters are `retry_after` and `migrate_to_chat_id`."""
        return cls(FaultKind.ERROR, delay_s, status, description, parameters)

    @classmethod
    def flood(cls, retry_after: int) -> Fault:
        """429: wait so many seconds. Whoever calls earlier is refused, too, and listed in `early_calls`."""
        return cls.error(429, f"Too Many Requests: retry after {retry_after}", retry_after=retry_after)

    @classmethod
    def html(cls, status: int = 502, delay_s: float = 0.0) -> Fault:
        """Nothing is done and a proxy answers with a page."""
        return cls(FaultKind.HTML, delay_s, status)

    @classmethod
    def drop(cls, delay_s: float = 0.0) -> Fault:
        """The connection is cut before anything is done: nothing is delivered."""
        return cls(FaultKind.DROP, delay_s)

    @classmethod
    def lose_answer(cls, delay_s: float = 0.0) -> Fault:
        """The call is done, then the connection is cut: delivered, and the caller cannot know."""
        return cls(FaultKind.LOSE_ANSWER, delay_s)

    @classmethod
    def hang(cls) -> Fault:
        """Nothing is done and nothing is answered until the server is closed."""
        return cls(FaultKind.HANG)

    @classmethod
    def deliver_and_hang(cls) -> Fault:
        """The call is done and nothing is answered until the server is closed."""
        return cls(FaultKind.DELIVER_AND_HANG)


FaultHook = Callable[[Call], Fault | None]
