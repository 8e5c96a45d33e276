"""What a call of Telegram means for the message it was to deliver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.errors import MessageRefused, Migrated, Retryable, TokenRefused, Unreachable
from pipeline.meter import Fate
from pipeline.stages.delivery import chat_interval_s, trouble_wait_s
from storage.records import DeliveryState, Outcome, Parcel, Unreached

MAX_REASON = 200


@dataclass(frozen=True, slots=True)
class Called:
    """A call that was made, and what it raised."""

    outcome: Outcome
    error: Exception | None = None


def outcome_of(
    parcel: Parcel,
    parts: int,
    message_id: int | None,
    error: Exception | None,
    now: datetime,
    per_chat_interval_s: float,
) -> Outcome:
    """What became of a parcel, one of `parts`.

    What is not known for certain is `unknown`, and the part after it goes all the same.
    """
    interval = timedelta(seconds=chat_interval_s(parcel.chat_id, per_chat_interval_s))
    next_part_at = now + interval if parcel.part + 1 < parts else None
    match error:
        case None:
            return Outcome(parcel, DeliveryState.SENT, now, message_id=message_id, next_part_at=next_part_at)
        case Retryable() if error.after_s is None:
            again_at = now + timedelta(seconds=trouble_wait_s(parcel.attempt))
            return Outcome(parcel, DeliveryState.PENDING, now, again_at=again_at)
        case Retryable() | Migrated() | TokenRefused():
            return Outcome(parcel, DeliveryState.PENDING, now, again_at=now)
        case Unreachable() if error.why.retires:
            return Outcome(parcel, DeliveryState.FAILED, now, reason=error.why, is_last_word=True)
        case Unreachable():
            reason = f"{error.why}: {error}"[:MAX_REASON]
            return Outcome(parcel, DeliveryState.FAILED, now, reason=reason, next_part_at=next_part_at)
        case MessageRefused():
            return Outcome(parcel, DeliveryState.FAILED, now, reason=Unreached.HALTED, is_last_word=True)
        case _:
            return Outcome(parcel, DeliveryState.UNKNOWN, now, next_part_at=next_part_at)


def fates(called: Sequence[Called]) -> Mapping[Fate, int]:
    """What became of the messages, counted."""
    return Counter(_fate(one) for one in called)


def _fate(called: Called) -> Fate:
    match called.outcome.state:
        case DeliveryState.SENT:
            return Fate.SENT
        case DeliveryState.PENDING:
            return Fate.PUT_OFF
        case DeliveryState.UNKNOWN:
            return Fate.UNCERTAIN
    is_of_chat = isinstance(called.error, Unreachable) and called.error.why.retires
    return Fate.UNREACHABLE if is_of_chat else Fate.REFUSED


def pause_s(called: Sequence[Called]) -> float:
    """The longest wait that Telegram asked for; 0: none."""
    return max((one.error.after_s or 0.0 for one in called if isinstance(one.error, Retryable)), default=0.0)


def is_in_vain(error: Exception) -> bool:
    """Whether it says that Telegram itself is in trouble, rather than this chat."""
    return not isinstance(error, Unreachable | Migrated)
