"""What is counted while work is done, for whoever watches the installation; and what it is like when nobody counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from storage.records import ModelCall, PostStatus, RunState


class CallOutcome(StrEnum):
    """What came of a model call."""

    OK = "ok"
    REFUSED = "refused"  # the batch is to blame: not answered, cut off, or out of form
    FAILED = "failed"  # the provider is
    TOLD_TO_WAIT = "told_to_wait"
    BLOCKED = "blocked"  # nothing will work until somebody acts


class TaskOutcome(StrEnum):
    """How the doing of a task ended."""

    DONE = "done"
    FAILED = "failed"  # with what nobody expected
    DATABASE_AWAY = "database_away"
    DROPPED = "dropped"  # its message was none of ours
    LOST = "lost"  # somebody else has the work by now, or its run has ended
    HANDED_BACK = "handed_back"  # the process was stopped


class Fate(StrEnum):
    """What became of a message to a reader when it was sent."""

    SENT = "sent"
    UNCERTAIN = "uncertain"
    UNREACHABLE = "unreachable"  # the chat's own affair
    REFUSED = "refused"  # Telegram refused the message
    PUT_OFF = "put_off"  # certainly not arrived, to be sent again


class CardEdit(StrEnum):
    """What came of showing a card anew."""

    SHOWN = "shown"
    UNCHANGED = "unchanged"  # it says so already
    PUT_OFF = "put_off"
    UNCERTAIN = "uncertain"
    GONE = "gone"  # somebody deleted it
    FAILED = "failed"


class TickAction(StrEnum):
    """What a tick does; each is counted by how many pieces of work, runs or messages it was about."""

    TAKEN_BACK = "taken_back"
    RUNG = "rung"
    STARTED = "started"
    ADVANCED = "advanced"
    ADOPTED = "adopted"
    DOUBTED = "doubted"


class Limited(StrEnum):
    """Whose limits a call waits for."""

    MODEL = "model"
    TELEGRAM = "telegram"


class Meter(Protocol):
    """Counts. Called after what is counted has become true; it neither waits nor raises. `public_bot` is a slug."""

    def run_ended(self, public_bot: str, state: RunState, seconds: float, posts: Mapping[PostStatus, int]) -> None:
        """A run has ended, so many seconds after it was ordered, with its posts where they are."""

    def model_called(self, public_bot: str, call: ModelCall, outcome: CallOutcome) -> None: ...

    def waited(self, limited: Limited, seconds: float) -> None:
        """A call has waited so long for its place; 0: it had one at once."""

    def sent(self, public_bot: str, fates: Mapping[Fate, int]) -> None:
        """So many messages to readers have met these fates."""

    def ticked(self) -> None: ...

    def tick_did(self, action: TickAction, times: int) -> None: ...

    def card_edited(self, outcome: CardEdit) -> None: ...

    def task_ended(self, task: str, outcome: TaskOutcome, seconds: float) -> None: ...


class NoMeter:
    """Nobody watches: nothing is counted."""

    def run_ended(self, public_bot: str, state: RunState, seconds: float, posts: Mapping[PostStatus, int]) -> None: ...

    def model_called(self, public_bot: str, call: ModelCall, outcome: CallOutcome) -> None: ...

    def waited(self, limited: Limited, seconds: float) -> None: ...

    def sent(self, public_bot: str, fates: Mapping[Fate, int]) -> None: ...

    def ticked(self) -> None: ...

    def tick_did(self, action: TickAction, times: int) -> None: ...

    def card_edited(self, outcome: CardEdit) -> None: ...

    def task_ended(self, task: str, outcome: TaskOutcome, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Stored:
    """What the rows say at one moment. `oldest_task_s` is how long the oldest due task of each queue has waited."""

    runs: Mapping[RunState, int]
    oldest_task_s: Mapping[str, float]
    workers: int
    is_bot_serving: bool
    is_tick_held: bool
    deliveries_in_doubt: int
    is_model_blocked: bool
    token_faults: int
    overdue_schedules: int


@dataclass(frozen=True, slots=True)
class Situation:
    """The installation as one process sees it. None: it did not answer in time. `has_broker` False: it needs none."""

    stored: Stored | None = None
    queues: Mapping[str, int] | None = None
    disk_free_bytes: int | None = None
    has_broker: bool = True
