"""Which batch size is recommended, as a table."""

from __future__ import annotations

import pytest

from pipeline.stages.recommendation import LARGEST_SIZE, Hindrance, Recommendation, Shortfall, recommend
from pipeline.stages.tuning import Measure

CATEGORY, IMPORTANCE, MISSING, NEVER_FULL = (
    Shortfall.CATEGORY,
    Shortfall.IMPORTANCE,
    Shortfall.MISSING,
    Shortfall.NEVER_FULL,
)


def measure(
    size: int,
    category: float | None = 1.0,
    importance: float | None = 1.0,
    missing: float = 0,
    *,
    posts: int = 50,
    answered: int | None = None,
    largest: int | None = None,
) -> Measure:
    return Measure(
        size=size,
        largest=largest or size,
        posts=posts,
        category=category,
        importance=importance,
        answered=posts - round(missing) if answered is None else answered,
        missing=missing,
        calls=posts / size,
        seconds=1.0,
        input_tokens=0,
        output_tokens=0,
        cost=0.0,
    )


@pytest.mark.parametrize(
    ("measures", "size", "failed"),
    [
        # as good as one by one: the largest, which needs the fewest calls
        ([measure(1), measure(3), measure(5), measure(10)], 10, {}),
        ([measure(1), measure(5)], 5, {}),
        # the order in which they were measured plays no part
        ([measure(10), measure(1), measure(3)], 10, {}),
        # against the floor, not against 100 %
        ([measure(1, 0.90), measure(5, 0.86), measure(10, 0.84)], 5, {10: (CATEGORY,)}),
        ([measure(1, 0.90), measure(10, 0.97)], 10, {}),
        # the margin itself still passes, one post of fifty more does not
        ([measure(1, 0.95), measure(5, 0.90)], 5, {}),
        ([measure(1, 1.0), measure(5, 0.96), measure(10, 0.94)], 5, {10: (CATEGORY,)}),
        # importance counts as much
        ([measure(1), measure(5), measure(10, 1.0, 0.90)], 5, {10: (IMPORTANCE,)}),
        ([measure(1, 1.0, 0.9), measure(10, 1.0, 0.86)], 10, {}),
        # missing posts: one of fifty beyond those of one by one
        ([measure(1), measure(5, missing=1), measure(10, missing=2)], 5, {10: (MISSING,)}),
        ([measure(1, missing=3), measure(5, missing=4), measure(10, missing=5)], 5, {10: (MISSING,)}),
        ([measure(1), measure(10, None, None, missing=50)], 1, {10: (MISSING,)}),
        # all that is lacking is told
        ([measure(1), measure(10, 0.8, 0.8, missing=9)], 1, {10: (MISSING, CATEGORY, IMPORTANCE)}),
        # nothing larger is good enough
        ([measure(1), measure(3, 0.9), measure(5, 0.8)], 1, {3: (CATEGORY,), 5: (CATEGORY,)}),
        # a size that no batch reached is not known to be good
        ([measure(1), measure(5), measure(10, largest=7)], 5, {10: (NEVER_FULL,)}),
        # asked once: one by one is taken to agree with itself always
        ([measure(1, None, None), measure(5, 0.95), measure(10, 0.94)], 5, {10: (CATEGORY,)}),
        # twenty posts are enough; a margin of 5 % is one of them then
        ([measure(1, posts=20), measure(5, 0.95, posts=20), measure(10, 0.90, posts=20)], 5, {10: (CATEGORY,)}),
        # never more than a batch may have
        ([measure(1), measure(10), measure(12)], 10, {12: (Shortfall.TOO_LARGE,)}),
    ],
)
def test_the_largest_size_that_is_as_good_as_one_by_one(
    measures: list[Measure], size: int, failed: dict[int, tuple[Shortfall, ...]]
) -> None:
    found = recommend(measures)
    assert (found.size, found.failed, found.why_none) == (size, failed, None)
    assert max(found.passed) == size <= LARGEST_SIZE


@pytest.mark.parametrize(
    ("measures", "why"),
    [
        ([], Hindrance.NOTHING_TO_COMPARE),
        ([measure(1)], Hindrance.NOTHING_TO_COMPARE),
        ([measure(5), measure(10)], Hindrance.NOTHING_TO_COMPARE),
        ([measure(1, posts=19), measure(5, posts=19)], Hindrance.TOO_FEW_POSTS),
        ([measure(1, missing=31), measure(5)], Hindrance.TOO_FEW_ANSWERS),
        ([measure(1, answered=19), measure(5)], Hindrance.TOO_FEW_ANSWERS),
    ],
)
def test_nothing_is_recommended_on_thin_evidence(measures: list[Measure], why: Hindrance) -> None:
    assert recommend(measures) == Recommendation(None, why)


@pytest.mark.parametrize(
    ("measures", "is_by_chance"),
    [
        ([measure(1), measure(3), measure(10)], False),
        ([measure(1), measure(3), measure(10, 0.5)], False),
        ([measure(1), measure(3, 0.5), measure(10)], True),
        ([measure(1), measure(3, largest=2), measure(10)], False),
        ([measure(1), measure(3, 0.5)], False),
    ],
)
def test_a_size_that_does_better_than_a_smaller_one_does_so_by_chance(
    measures: list[Measure], is_by_chance: bool
) -> None:
    assert recommend(measures).is_by_chance is is_by_chance
