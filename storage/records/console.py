"""What the operators' screens show of public bots, of their readers, and of what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from storage.records.operators import Action, Fault, StrangerCount
from storage.records.posts import SourceOverview
from storage.records.public_bots import PublicBot
from storage.records.readers import ChatKind, Doubt, Invitation
from storage.records.runs import RunProgress


@dataclass(frozen=True, slots=True)
class BotOverview:
    """A public bot in the list of all; `next_digest_at` is None where no schedule is in force."""

    bot: PublicBot
    readers: int
    next_digest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BotDetails:
    """A public bot with what is in force for it, from its own description or from the settings.

    `actions` are what operators last did with it, newest first.
    """

    overview: BotOverview
    sources: tuple[SourceOverview, ...]
    approval: bool
    min_posts: int
    quiet_day: str
    window_hours: int
    last_digest: RunProgress | None
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Turnover:
    """How many readers came and went within the last `days`."""

    days: int
    came: int
    went: int


@dataclass(frozen=True, slots=True)
class Audience:
    """The readers of a public bot in numbers.

    `kinds` and `languages` count those who read now; `gone` those who do so no more, by `Unreached`; `offered` are
    groups and channels that wait for an operator's word. `growth` is the number of readers at the end of each of the
    last days, the oldest first; who left and came back counts as never gone.
    """

    kinds: Mapping[ChatKind, int]
    languages: Mapping[str, int]
    gone: Mapping[str, int]
    offered: int
    turnover: tuple[Turnover, ...]
    growth: tuple[int, ...]

    @property
    def reading(self) -> int:
        return sum(self.kinds.values())


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything /subscribers tells of one public bot."""

    bot: PublicBot
    audience: Audience
    invitations: tuple[Invitation, ...]


@dataclass(frozen=True, slots=True)
class RunTrouble:
    """A run that failed, set posts aside, or left readers of whom nobody knows whether they were reached.

    `reason` is why posts were set aside; `doubts` are the first parts whose fate is unknown.
    """

    progress: RunProgress
    reason: str | None = None
    doubts: tuple[Doubt, ...] = ()

    @property
    def at(self) -> datetime:
        return self.progress.run.finished_at or self.progress.run.stage_started_at


@dataclass(frozen=True, slots=True)
class Troubles:
    """What went wrong lately, newest first; `titles` are those of the public bots, by id."""

    faults: tuple[Fault, ...]
    runs: tuple[RunTrouble, ...]
    titles: Mapping[int, str]
    strangers: StrangerCount = field(default_factory=StrangerCount)
