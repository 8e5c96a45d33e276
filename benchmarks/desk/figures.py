"""What benchmarks.desk has measured, as values: how long people waited, what processes weigh, how soon they start."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from benchmarks.report import Target

MEGABYTE = 1_000_000  # the stricter reading of the targets
CARD_S, STATUS_S, START_S = 0.5, 0.2, 4.0
BOT_MB, OPENAI_WORKER_MB, OFFLINE_WORKER_MB = 280, 160, 320


@dataclass(frozen=True)
class Waits:
    """How long something took each time, in seconds; `scene` says where and when."""

    scene: str
    seconds: Sequence[float]

    @property
    def middle(self) -> float:
        return median(self.seconds)

    @property
    def p95(self) -> float:
        """So long took all but the slowest twentieth."""
        return percentile(self.seconds, 0.95)

    @property
    def longest(self) -> float:
        return max(self.seconds)


@dataclass(frozen=True)
class Weight:
    """The resident memory of a process, in bytes, again and again; the last one is what is asked for."""

    what: str
    samples: Sequence[int]

    @property
    def most_mb(self) -> float:
        return max(self.samples) / MEGABYTE

    def quarters_mb(self) -> tuple[float, ...]:
        """The median of each quarter of the time: what grows without end shows in all of them."""
        size = len(self.samples) / 4
        return tuple(
            median(
                self.samples[math.floor(part * size) : max(math.floor(part * size) + 1, math.floor((part + 1) * size))]
            )
            / MEGABYTE
            for part in range(4)
        )


@dataclass
class Desk:
    """Everything that was measured."""

    cards: list[Waits] = field(default_factory=list)
    statuses: list[Waits] = field(default_factory=list)
    bots: list[Weight] = field(default_factory=list)
    openai_workers: list[Weight] = field(default_factory=list)
    delivering_workers: list[Weight] = field(default_factory=list)
    offline_workers: list[Weight] = field(default_factory=list)
    bot_starts: list[Waits] = field(default_factory=list)
    worker_starts: list[Waits] = field(default_factory=list)

    def targets(self) -> Iterator[Target]:
        """The rows of the table of targets: the worst of all scenes counts."""
        card, status = max(one.middle for one in self.cards), max(one.p95 for one in self.statuses)
        yield within("first card after `/digest`, median", card, CARD_S)
        yield within("`/status` while a 10,000-post run goes on, p95", status, STATUS_S)
        yield light("memory of the bot with Celery", self.bots, BOT_MB)
        yield light(
            "memory of a worker with the openai provider until it delivers", self.openai_workers, OPENAI_WORKER_MB
        )
        yield light("memory of a worker with the offline provider", self.offline_workers, OFFLINE_WORKER_MB)
        for script, starts in (("run_bot.sh", self.bot_starts), ("run_worker.sh", self.worker_starts)):
            yield within(f"second start of `{script}` until ready, median", max(one.middle for one in starts), START_S)


def within(measure: str, seconds: float, most_s: float) -> Target:
    return Target(measure, f"≤ {most_s:g} s", f"{seconds:.2f} s", is_reached=seconds <= most_s)


def light(measure: str, weights: Sequence[Weight], most_mb: int) -> Target:
    heaviest = max(one.most_mb for one in weights)
    return Target(measure, f"≤ {most_mb} MB", f"{heaviest:.0f} MB", is_reached=heaviest <= most_mb)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that so large a share of them does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def waits_of(asked: Mapping[int, Sequence[float]], answered: Mapping[int, Sequence[float]]) -> list[float]:
    """How long each question waited for its answer; a chat's answers come in the order of its questions.

    Raises:
        ValueError: a chat has not got one answer to each question.
    """
    waits = []
    for chat, questions in asked.items():
        answers = answered.get(chat, ())
        if len(answers) != len(questions):
            raise ValueError(f"chat {chat} asked {len(questions)} times and got {len(answers)} answers")
        found = [answer - question for question, answer in zip(questions, answers, strict=True)]
        if any(wait < 0 for wait in found) or any(later < earlier for earlier, later in pairwise(answers)):
            raise ValueError(f"chat {chat} got an answer before it had asked")
        waits += found
    return waits
