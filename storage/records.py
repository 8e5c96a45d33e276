"""What leaves storage: frozen values. No ORM object goes further than this package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


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


class WorkKind(StrEnum):
    """The value is the name of the task that does this work."""

    PLAN = "process_bot_digest"
    CATEGORIZE = "categorize_posts"
    SUMMARIZE = "summarize_posts"
    ASSEMBLE = "assemble_digest"


class WorkState(StrEnum):
    PENDING = "pending"
    CLAIMED = "claimed"
    DONE = "done"
    CANCELLED = "cancelled"


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


class SourceKind(StrEnum):
    FILE = "file"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Source:
    id: int
    name: str
    kind: SourceKind
    title: str
    chat_id: int | None = None
    username: str | None = None
    home_channel: str | None = None


@dataclass(frozen=True, slots=True)
class SourceOverview:
    source: Source
    posts: int
    last_post_at: datetime | None


@dataclass(frozen=True, slots=True)
class IncomingPost:
    """A post as a source gives it: `text` is the visible text, times are aware and in UTC.

    `channel` identifies the channel within a source that mixes several; `album_id` groups the messages of one album.
    """

    external_id: str
    published_at: datetime
    text: str
    url: str | None = None
    links: tuple[str, ...] = ()
    edited_at: datetime | None = None
    channel: str | None = None
    channel_title: str | None = None
    album_id: str | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """A stored post. `source_title` is what a reader sees as its origin; `url` is where it can be read."""

    id: int
    source_id: int
    source_title: str
    external_id: str
    published_at: datetime
    text: str
    url: str | None
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Category:
    name: str
    descriptions: tuple[str, ...]
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublicBotSpec:
    """A public bot as a bots file describes it; `None` means: as in settings.toml."""

    slug: str
    title: str
    language: str
    sources: tuple[str, ...]
    categories: tuple[Category, ...]
    categorization_prompt: str
    summarization_prompt: str
    max_posts_per_digest: int
    timezone: str
    schedule: str | None = None
    token_env: str | None = None
    approval: bool | None = None
    min_posts: int | None = None
    quiet_day: str | None = None
    window_hours: int | None = None
    batch_size: int | None = None


@dataclass(frozen=True, slots=True)
class PublicBot:
    id: int
    spec: PublicBotSpec
    has_token: bool

    @property
    def slug(self) -> str:
        return self.spec.slug

    @property
    def title(self) -> str:
        return self.spec.title


@dataclass(frozen=True, slots=True)
class Verdict:
    """What categorization says of one post for one public bot.

    `category` is None where none fits. `importance` is 1 (not worth a reader's time) to 5 (the reader must know).
    """

    category: str | None
    importance: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """A headline of a few words and one to three sentences; plain text, no markup."""

    headline: str
    text: str


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One request to a model, as it is stored with its work. `cost` is in the currency of the prices."""

    model: str
    outcome: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost: float
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` (inclusive) to `end` (exclusive), aware."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run failed: a message id of texts/ with its parameters, so that it can be said in any language."""

    message_id: str
    params: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewRun:
    """`chat_id` and `message_id` are the command's, which makes it at most one run; both None from the command line.

    `deliver` False keeps the posts free for the next digest.
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


@dataclass(frozen=True, slots=True)
class Run:
    """`notice` is one of those the card has words for; `timezone` is the public bot's."""

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


@dataclass(frozen=True, slots=True)
class Work:
    """One claimable piece of a run. `fence` is the number of its claim.

    `failures` counts bad answers to it alone, `crashes` processes that died over it alone, `retries` how often it was
    put off.
    """

    id: int
    run_id: int
    kind: WorkKind
    post_ids: tuple[int, ...]
    fence: int
    failures: int
    crashes: int
    retries: int


@dataclass(frozen=True, slots=True)
class Ring:
    """Work that waits for somebody to claim it: what a doorbell is told."""

    work_id: int
    run_id: int
    kind: WorkKind
    engine: Engine


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A run with everything a person asks about it, derived from rows at one moment.

    `waits_because` is why work of it was put off, as the model's provider said it.
    """

    run: Run
    posts: Mapping[PostStatus, int]
    input_tokens: int
    output_tokens: int
    model_calls: int
    cost: float
    waits_because: str | None = None

    def count(self, *statuses: PostStatus) -> int:
        return sum(self.posts.get(status, 0) for status in statuses)


@dataclass(frozen=True, slots=True)
class DigestItem:
    post_id: int
    headline: str
    text: str
    url: str | None
    source_title: str


@dataclass(frozen=True, slots=True)
class DigestSection:
    category: str
    items: tuple[DigestItem, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """The finished product of a run. `period` is shown in `timezone` (an IANA name)."""

    run_id: int
    bot_slug: str
    title: str
    language: str
    timezone: str
    period: Period
    sections: tuple[DigestSection, ...]
    id: int = 0

    @property
    def items(self) -> tuple[DigestItem, ...]:
        return tuple(item for section in self.sections for item in section.items)


@dataclass(frozen=True, slots=True)
class Card:
    """The one message in a chat that follows a run. `parts_sent` counts the messages of the digest sent under it;
    `part_in_doubt` is the part whose sending began and was never confirmed."""

    id: int
    run_id: int
    chat_id: int
    message_id: int | None
    language: str
    shown_version: int
    parts_sent: int
    part_in_doubt: int | None
    is_final: bool
    is_gone: bool


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker's last sign of life."""

    name: str
    host: str
    pid: int
    queues: tuple[str, ...]
    concurrency: int
    started_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class StatusOverview:
    """Everything /status tells, at one moment.

    `workers` have the newest sign of life first, so the first `workers_alive` of them are alive; `queues` is None where
    the broker cannot be reached; `recent` are runs that have ended, newest first.
    """

    workers: tuple[Worker, ...]
    workers_alive: int
    queues: Mapping[str, int] | None
    engine: Engine
    active: tuple[RunProgress, ...]
    recent: tuple[RunProgress, ...]
    posts_stored: int
    sources: int
    now: datetime
