"""Runs: one making of a digest for one public bot, and the posts of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from storage.records.operators import Action
from storage.records.readers import DeliveryProgress


class RunState(StrEnum):
    QUEUED = "queued"
    COLLECTING = "collecting"
    CATEGORIZING = "categorizing"
    SELECTING = "selecting"
    SUMMARIZING = "summarizing"
    ASSEMBLING = "assembling"
    AWAITING_APPROVAL = "awaiting_approval"
    DELIVERING = "delivering"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def has_ended(self) -> bool:
        return self in ENDED


ENDED = frozenset({RunState.DONE, RunState.FAILED, RunState.CANCELLED})


class Engine(StrEnum):
    CELERY = "celery"
    LOCAL = "local"


class QuietDay(StrEnum):
    """What is done where there are too few posts."""

    SKIP = "skip"  # no digest
    SHORTEN = "shorten"  # a digest of the few
    SAY = "say"  # a digest that says so


class PostStatus(StrEnum):
    """Where a post of a run has got to. Every post of a finished run is in one of the last seven."""

    FRESH = "fresh"  # waits for its verdict
    CATEGORIZED = "categorized"  # has its verdict, waits for the selection
    CHOSEN = "chosen"  # waits for its summary
    SUMMARIZED = "summarized"  # is in the digest
    PASSED_OVER = "passed_over"  # relevant, but there were better ones
    IRRELEVANT = "irrelevant"  # fits no category or is not worth a reader's time
    DUPLICATE = "duplicate"  # the same visible text as another post
    GIVEN_BEFORE = "given_before"  # this bot's readers already had it
    SET_ASIDE = "set_aside"  # the model failed on it, see the reason
    DROPPED = "dropped"  # the run ended before it was its turn


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` (inclusive) to `end` (exclusive), aware. Posts that were published before it belong to it too where
    they came to us after `late_since`: no digest before can have seen them."""

    start: datetime
    end: datetime
    late_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run failed: a message id of texts/ with its parameters, so that it can be said in any language."""

    message_id: str
    params: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewRun:
    """`chat_id` and `message_id` are the command's, which makes it at most one run; both None from the command line.

    `deliver` False keeps the posts free for the next digest; `asks_anew` leaves kept answers of the model alone.
    """

    public_bot_id: int
    period: Period
    post_limit: int
    engine: Engine
    provider: str
    model: str
    origin: str
    chat_id: int | None = None
    message_id: int | None = None
    requested_by: int | None = None
    deliver: bool = True
    notice: str | None = None
    publish_at: datetime | None = None
    min_posts: int = 1
    asks_anew: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """`notice` is one of those the card has words for; `timezone` is the public bot's.

    `publish_at` is when a scheduled run is to go out; `is_paused` says that an operator holds its delivery. With fewer
    chosen posts than `min_posts` it is a quiet day, and `quiet_day` says what was done about it.
    """

    id: int
    public_bot_id: int
    bot_slug: str
    bot_title: str
    state: RunState
    version: int
    engine: Engine
    provider: str
    model: str
    period: Period
    post_limit: int
    deliver: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    failure: Failure | None
    requested_by: int | None
    cancelled_by: int | None
    notice: str | None
    timezone: str
    stage_started_at: datetime
    origin: str = "operator"
    publish_at: datetime | None = None
    is_paused: bool = False
    min_posts: int = 1
    quiet_day: QuietDay | None = None
    asks_anew: bool = False


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A run with everything a person asks about it, derived from rows at one moment.

    `fallback_model` is the one that did some of the work while the run's own model failed, and `model_failure` why that
    cannot be used until somebody acts. `waits_because` is why work of it was put off, as whatever failed said it;
    `delivery` is None until the delivery has begun; `actions` are what operators did with this run, oldest first;
    Telegram told the public bot to be silent until `parked_until`; `readers` are those who would be delivered to now.
    An operator has paused the public bot as a whole where `is_bot_paused`; `token_fault` is the message id that says
    why its token cannot be used.
    """

    run: Run
    posts: Mapping[PostStatus, int]
    input_tokens: int
    output_tokens: int
    model_calls: int
    cost: float
    waits_because: str | None = None
    delivery: DeliveryProgress | None = None
    actions: tuple[Action, ...] = ()
    parked_until: datetime | None = None
    readers: int = 0
    is_bot_paused: bool = False
    token_fault: str | None = None
    fallback_model: str | None = None
    model_failure: Failure | None = None

    def count(self, *statuses: PostStatus) -> int:
        return sum(self.posts.get(status, 0) for status in statuses)
