"""The claimable pieces of a run, and what a model makes of posts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.records.runs import Engine


class WorkKind(StrEnum):
    """The value is the name of the task that does this work."""

    PLAN = "process_bot_digest"
    CATEGORIZE = "categorize_posts"
    SUMMARIZE = "summarize_posts"
    ASSEMBLE = "assemble_digest"
    DELIVER = "deliver_digest"


class WorkState(StrEnum):
    PENDING = "pending"
    CLAIMED = "claimed"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Work:
    """One claimable piece of a run of a public bot. `fence` is the number of its claim, `lane` that of a delivery.

    `failures` counts bad answers to it alone, `crashes` processes that died over it alone, `retries` how often it was
    put off; `owner` holds it until `lease_until`, by the owner's clock.
    """

    id: int
    run_id: int
    bot_slug: str
    kind: WorkKind
    post_ids: tuple[int, ...]
    fence: int
    failures: int
    crashes: int
    retries: int
    lane: int | None = None
    owner: str | None = None
    lease_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ring:
    """Work that waits for somebody to claim it: what a doorbell is told. `digest_id` is the run's, where it has one."""

    work_id: int
    run_id: int
    kind: WorkKind
    engine: Engine
    digest_id: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What categorization says of one post for one public bot.

    `category` is None where none fits. `importance` is 1 (not worth a reader's time) to 5 (the reader must know).
    """

    category: str | None
    importance: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A post of a run with its verdict."""

    post_id: int
    published_at: datetime
    verdict: Verdict


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
    is_fallback: bool = False
