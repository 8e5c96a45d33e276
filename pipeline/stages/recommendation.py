"""Which batch size to take, out of what was measured of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.stages.tuning import ONE_BY_ONE, Measure, alone_of

LARGEST_SIZE = 10  # of a public bot's batch_size: beyond it models lose posts and precision
LEAST_POSTS = 20  # on fewer, chance decides
MARGIN = 0.05  # of agreement below that of one by one with itself: two posts of fifty
MISSING_MARGIN = 0.02  # of posts without an answer beyond those of one by one: one post of fifty
_ROUNDING = 1e-9


class Shortfall(StrEnum):
    """Why a size is not taken."""

    CATEGORY = "category"  # other categories than one by one
    IMPORTANCE = "importance"  # other importances
    MISSING = "missing"  # posts without an answer
    NEVER_FULL = "never_full"  # no batch had so many posts
    TOO_LARGE = "too_large"


class Hindrance(StrEnum):
    """Why nothing is recommended."""

    TOO_FEW_POSTS = "too_few_posts"
    TOO_FEW_ANSWERS = "too_few_answers"  # of one by one, which all others are compared with
    NOTHING_TO_COMPARE = "nothing_to_compare"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`size` is the largest that passes; None: `why_none`. `passed` are all that do, the smallest first, and `failed`
    the others with what they lack."""

    size: int | None
    why_none: Hindrance | None = None
    passed: tuple[int, ...] = ()
    failed: Mapping[int, tuple[Shortfall, ...]] = field(default_factory=dict)

    @property
    def is_by_chance(self) -> bool:
        """Whether a size passed though a smaller one did not, which only chance explains."""
        return any(size < (self.size or 0) for size, lacks in self.failed.items() if Shortfall.NEVER_FULL not in lacks)


def recommend(measures: Sequence[Measure]) -> Recommendation:
    """The largest size whose agreement with one by one is at most MARGIN below that of one by one with itself, for
    categories and for importances, and which misses at most MISSING_MARGIN more of the posts. One by one always passes.

    Where one by one was asked only once, it is taken to agree with itself completely.
    """
    alone = alone_of(measures)
    others = [measure for measure in measures if measure.size != ONE_BY_ONE]
    if alone is None or not others:
        return Recommendation(None, Hindrance.NOTHING_TO_COMPARE)
    if alone.posts < LEAST_POSTS:
        return Recommendation(None, Hindrance.TOO_FEW_POSTS)
    if alone.answered < LEAST_POSTS:
        return Recommendation(None, Hindrance.TOO_FEW_ANSWERS)
    lacks = {measure.size: tuple(_shortfalls(measure, alone)) for measure in others}
    passed = (ONE_BY_ONE, *sorted(size for size, found in lacks.items() if not found))
    failed = {size: found for size, found in sorted(lacks.items()) if found}
    return Recommendation(passed[-1], None, passed, failed)


def _shortfalls(measure: Measure, alone: Measure) -> Sequence[Shortfall]:
    found = {
        Shortfall.TOO_LARGE: measure.size > LARGEST_SIZE,
        Shortfall.NEVER_FULL: measure.largest < measure.size,
        Shortfall.MISSING: measure.missing_share > alone.missing_share + MISSING_MARGIN + _ROUNDING,
        Shortfall.CATEGORY: _is_worse(measure.category, alone.category),
        Shortfall.IMPORTANCE: _is_worse(measure.importance, alone.importance),
    }
    return [shortfall for shortfall, is_there in found.items() if is_there]


def _is_worse(agreement: float | None, floor: float | None) -> bool:
    if agreement is None:  # it answered nothing, which counts as missing
        return False
    return agreement < (1.0 if floor is None else floor) - MARGIN - _ROUNDING
