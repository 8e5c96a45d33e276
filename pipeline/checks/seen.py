"""What the probes of a check-up have seen, and what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from storage.records import BotToken, Failure, Lease, Worker, WorkKind


@dataclass(frozen=True, slots=True)
class BrokerSeen:
    """`installation` is the name that stands in this Redis, None: none does."""

    product: str
    version: str
    took_ms: int
    is_replica: bool
    is_append_only: bool
    write_error: bool
    policy: str
    used_bytes: int
    most_bytes: int  # 0: no limit of its own
    installation: str | None


class BrokerRefusal(StrEnum):
    """Why a Redis that is there cannot be used."""

    PASSWORD = "password"  # noqa: S105 - a reason
    LOADING = "loading"


class BrokerRefused(Exception):
    """Redis is there and lets nobody in."""

    def __init__(self, why: BrokerRefusal) -> None:
        super().__init__(why.value)
        self.why = why


class BrokerProbe(Protocol):
    """Raises (all methods):
    BrokerUnavailable: it cannot be asked.
    BrokerRefused: it is there and cannot be used.
    """

    async def look(self) -> BrokerSeen: ...

    async def time(self) -> datetime: ...

    async def depths(self) -> Mapping[str, int]:
        """Waiting messages by queue."""

    async def close(self) -> None: ...


class AccountState(StrEnum):
    """What Telegram says to a bot's token."""

    FINE = "fine"
    REFUSED = "refused"
    TOLD_TO_WAIT = "told to wait"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """A bot as Telegram knows it. `why` says what went wrong on the way there."""

    state: AccountState
    username: str = ""
    has_webhook: bool = False
    why: str = ""


class HttpProbe(Protocol):
    """Neither method raises for what is the matter with the other side."""

    async def look(self, token: str) -> AccountSeen:
        """Who has this bot token, and whether its updates go to a webhook."""

    async def date_of(self, url: str) -> datetime | None:
        """The time by the clock of the server at this address, within a second; None: it tells none."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Room:
    """A file system: the folder that was asked for, and what is free there."""

    folder: str
    free_bytes: int
    whole_bytes: int


@dataclass(frozen=True, slots=True)
class Owed:
    """A scheduled digest that is late: its public bot, and since when it should have been begun or published."""

    slug: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class DeskSeen:
    """What the rows say at the moment `now`.

    `oldest_due` is since when due work of each kind has waited to be claimed; `blocked` why models do not work until
    somebody acts, by name; `paused_tokens` are tokens of paused public bots, which nobody uses.
    """

    now: datetime
    installation: str | None
    workers: tuple[Worker, ...]
    leases: Mapping[str, Lease]
    oldest_due: Mapping[WorkKind, datetime]
    tokens: tuple[BotToken, ...]
    paused_tokens: int
    blocked: Mapping[str, Failure]
    in_doubt: int
    owed: tuple[Owed, ...]
