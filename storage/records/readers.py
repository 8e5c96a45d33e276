"""Readers of public bots, how they came, and what was delivered to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ChatKind(StrEnum):
    """What kind of chat reads; the values are Telegram's."""

    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"
    CHANNEL = "channel"


class SubscriberState(StrEnum):
    """Only an active one is delivered to."""

    ACTIVE = "active"
    STOPPED = "stopped"  # said /stop
    RETIRED = "retired"  # cannot be written to, see the reason; kept, and revived by /start or by its return
    OFFERED = "offered"  # a group or channel that waits for an operator's word
    DECLINED = "declined"  # an operator said no


class Unreached(StrEnum):
    """Why a chat was not reached, for certain. The first six are the chat's own affair and retire its subscriber."""

    BLOCKED = "blocked"  # the person blocked the bot
    DEACTIVATED = "deactivated"  # the account is gone
    NOT_FOUND = "not_found"  # Telegram knows no such chat
    REMOVED = "removed"  # the bot was thrown out of a group or channel
    NO_RIGHTS = "no_rights"  # the bot may not write there
    NEVER_STARTED = "never_started"  # a bot cannot begin a conversation
    STOPPED = "stopped"  # the reader left before it was their turn
    CANCELLED = "cancelled"  # an operator ended the delivery
    HALTED = "halted"  # the delivery was ended because Telegram refused the message itself
    REFUSED = "refused"  # Telegram refused this one for another reason, which stands behind a colon

    @property
    def retires(self) -> bool:
        return self in RETIRING


RETIRING = frozenset(
    {
        Unreached.BLOCKED,
        Unreached.DEACTIVATED,
        Unreached.NOT_FOUND,
        Unreached.REMOVED,
        Unreached.NO_RIGHTS,
        Unreached.NEVER_STARTED,
    }
)


class DeliveryState(StrEnum):
    """`sending` is committed before the call; `unknown` is never sent again unless an operator says so."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A chat that reads a public bot, or did. `left_out` are the categories it does not want; `title` is that of a
    group or channel, people's names are not kept."""

    id: int
    public_bot_id: int
    chat_id: int
    kind: ChatKind
    title: str | None
    language: str
    state: SubscriberState
    reason: str | None
    left_out: tuple[str, ...]
    invitation_id: int | None
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """An opaque code for /start, and who came with it: `came` ever, `reading` now."""

    id: int
    public_bot_id: int
    code: str
    origin: str
    came: int = 0
    reading: int = 0


@dataclass(frozen=True, slots=True)
class Parcel:
    """One part of a digest on its way to one chat. `attempt` is the number of the call that is to be made, or was."""

    id: int
    digest_id: int
    subscriber_id: int
    chat_id: int
    part: int
    left_out: tuple[str, ...]
    attempt: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one call. `reason` tells why it failed; `again_at` puts a parcel that certainly did not arrive back;
    `next_part_at` is when the part after it may go; `is_last_word`: the chat gets nothing more of this digest."""

    parcel: Parcel
    state: DeliveryState
    at: datetime
    reason: str | None = None
    message_id: int | None = None
    again_at: datetime | None = None
    next_part_at: datetime | None = None
    is_last_word: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryProgress:
    """The readers of one digest by how far it has got to them; a reader counts once, however many parts there are.

    `waiting` have parts that are pending or being sent; else `uncertain` have a part whose fate nobody knows; else
    `failed` have one that certainly did not arrive; `delivered` have all. `reasons` counts the failed by `Unreached`.
    """

    waiting: int = 0
    delivered: int = 0
    failed: int = 0
    uncertain: int = 0
    reasons: Mapping[str, int] | None = None

    @property
    def total(self) -> int:
        return self.waiting + self.delivered + self.failed + self.uncertain

    @property
    def ended(self) -> int:
        return self.total - self.waiting


@dataclass(frozen=True, slots=True)
class Doubt:
    """A reader who may or may not have got a part of a digest. `title` is that of a group or channel."""

    chat_id: int
    title: str | None
    part: int
    at: datetime | None
