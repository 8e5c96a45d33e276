"""Which posts a digest has room for."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.stages.selection import choose
from storage.records import Judged, Verdict

MORNING = datetime(2026, 11, 3, 6, tzinfo=UTC)


def judged(post_id: int, category: str | None, importance: int, minutes: int = 0) -> Judged:
    return Judged(post_id, MORNING + timedelta(minutes=minutes), Verdict(category, importance))


def test_the_important_ones_come_first() -> None:
    posts = [judged(1, "A", 2), judged(2, "A", 5), judged(3, "A", 4)]
    assert choose(posts, ["A"], 2) == [2, 3]


def test_a_crowded_category_leaves_room_for_the_others() -> None:
    posts = [judged(number, "Sport", 5) for number in range(10)] + [judged(20, "Science", 4), judged(21, "City", 3)]
    assert {20, 21} <= set(choose(posts, ["Sport", "Science", "City"], 8))
    assert 20 in choose(posts, ["Sport", "Science", "City"], 4)


@pytest.mark.parametrize("post", [judged(1, None, 5), judged(1, "Gossip", 5), judged(1, "A", 1)])
def test_what_fits_no_category_or_is_not_worth_it_is_never_chosen(post: Judged) -> None:
    assert choose([post], ["A", "B"], 5) == []


def test_the_same_verdicts_give_the_same_choice_in_any_order() -> None:
    dice = random.Random(1)
    posts = [judged(n, dice.choice("ABC"), dice.randint(1, 5), dice.randint(0, 5)) for n in range(60)]
    expected = choose(posts, list("ABC"), 12)
    assert len(expected) == len(set(expected)) == 12
    for _ in range(10):
        dice.shuffle(posts)
        assert choose(posts, list("ABC"), 12) == expected


def test_of_equals_the_later_comes_first_then_the_lower_id() -> None:
    posts = [judged(1, "A", 3, 0), judged(3, "A", 3, 9), judged(2, "A", 3, 9)]
    assert choose(posts, ["A"], 3) == [2, 3, 1]
