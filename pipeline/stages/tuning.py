"""How batches of different sizes compare with asking about each post by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean

from storage.records import ModelCall, Verdict

ONE_BY_ONE = 1
IMPORTANCE_STEP = 1  # a model that is asked twice often moves by this much; a digest hardly does


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is asked of a model; the tokens are those read and those written."""

    calls: int
    input_tokens: int
    output_tokens: int

    @classmethod
    def of(cls, calls: Sequence[ModelCall]) -> Effort:
        read, written = sum(call.input_tokens for call in calls), sum(call.output_tokens for call in calls)
        return cls(len(calls), read, written)

    def least_minutes(self, requests_per_minute: int, tokens_per_minute: int) -> float:
        """How long it takes at least under such limits; 0: no limit."""
        tokens = self.input_tokens + self.output_tokens
        return max(
            self.calls / requests_per_minute if requests_per_minute else 0.0,
            tokens / tokens_per_minute if tokens_per_minute else 0.0,
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """All posts asked about once, in batches of one size.

    `verdicts` are by post id; `problems` say why a post has none, which is not asked for again. `largest` is how many
    posts shared a call at most: other limits than the size may have kept batches smaller. `cost` is in the currency of
    the prices.
    """

    size: int
    largest: int
    verdicts: Mapping[int, Verdict]
    problems: Mapping[int, str]
    calls: int
    seconds: float
    input_tokens: int
    output_tokens: int
    cost: float

    @property
    def posts(self) -> int:
        return len(self.verdicts) + len(self.problems)


@dataclass(frozen=True, slots=True)
class Measure:
    """What the trials of one size have shown, on average; only `seconds` are those of the fastest, since the first
    calls of a process make its connections.

    `category` and `importance` are the shares of posts on which it agrees with one by one, of those both answered: the
    same category, an importance at most one step away. For one by one itself they say how often its two trials
    agree, which no batch can be expected to surpass. None: nothing can be compared. `answered` counts the posts with
    a verdict in every trial, `missing` those without one.
    """

    size: int
    largest: int
    posts: int
    category: float | None
    importance: float | None
    answered: int
    missing: float
    calls: float
    seconds: float
    input_tokens: float
    output_tokens: float
    cost: float

    @property
    def missing_share(self) -> float:
        return self.missing / self.posts if self.posts else 0.0

    @property
    def cost_per_thousand(self) -> float:
        return 1000 * self.cost / self.posts if self.posts else 0.0


def measured(trials: Sequence[Trial]) -> Sequence[Measure]:
    """A measure for each size, the smallest first."""
    references = [trial for trial in trials if trial.size == ONE_BY_ONE]
    sizes = sorted({trial.size for trial in trials})
    return [_measure([trial for trial in trials if trial.size == size], references) for size in sizes]


def alone_of(measures: Sequence[Measure]) -> Measure | None:
    """The measure of one by one."""
    return next((measure for measure in measures if measure.size == ONE_BY_ONE), None)


def _measure(trials: Sequence[Trial], references: Sequence[Trial]) -> Measure:
    first = trials[0]
    if first.size == ONE_BY_ONE:
        pairs = list(pairwise(references))
    else:
        pairs = [(trial, reference) for trial in trials for reference in references]
    return Measure(
        size=first.size,
        largest=first.largest,
        posts=first.posts,
        category=_agreement(pairs, _same_category),
        importance=_agreement(pairs, _close_importance),
        answered=len(set.intersection(*(set(trial.verdicts) for trial in trials))),
        missing=mean(len(trial.problems) for trial in trials),
        calls=mean(trial.calls for trial in trials),
        seconds=min(trial.seconds for trial in trials),
        input_tokens=mean(trial.input_tokens for trial in trials),
        output_tokens=mean(trial.output_tokens for trial in trials),
        cost=mean(trial.cost for trial in trials),
    )


def _agreement(pairs: Sequence[tuple[Trial, Trial]], agree: Callable[[Verdict, Verdict], bool]) -> float | None:
    shares = []
    for one, other in pairs:
        common = one.verdicts.keys() & other.verdicts.keys()
        if common:
            shares.append(
                sum(agree(one.verdicts[post_id], other.verdicts[post_id]) for post_id in common) / len(common)
            )
    return mean(shares) if shares else None


def _same_category(one: Verdict, other: Verdict) -> bool:
    return one.category == other.category


def _close_importance(one: Verdict, other: Verdict) -> bool:
    return abs(one.importance - other.importance) <= IMPORTANCE_STEP
