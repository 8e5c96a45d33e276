"""What is made of trials with batches of several sizes: how well each agrees with one by one, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pipeline.stages.tuning import Effort, Trial, alone_of, measured
from storage.records import ModelCall, Verdict

Said = Mapping[int, tuple[str | None, int] | None]


def trial(size: int, said: Said, **figures: float) -> Trial:
    """What was said of each post: category and importance, or nothing."""
    values = {"calls": 4, "seconds": 2.0, "input_tokens": 100, "output_tokens": 10, "cost": 0.5, **figures}
    return Trial(
        size=size,
        largest=size,
        verdicts={post_id: Verdict(*one) for post_id, one in said.items() if one is not None},
        problems={post_id: "no answer" for post_id, one in said.items() if one is None},
        **values,  # type: ignore[arg-type]
    )


ALONE = {1: ("Parks", 3), 2: ("Parks", 3), 3: ("Transport", 4), 4: (None, 1)}


@pytest.mark.parametrize(
    ("said", "category", "importance", "missing"),
    [
        (ALONE, 1.0, 1.0, 0),
        ({**ALONE, 1: ("Transport", 3)}, 0.75, 1.0, 0),
        ({**ALONE, 1: (None, 3)}, 0.75, 1.0, 0),
        ({**ALONE, 1: ("Parks", 4), 3: ("Transport", 3)}, 1.0, 1.0, 0),  # one step is no difference
        ({**ALONE, 1: ("Parks", 5)}, 1.0, 0.75, 0),
        ({**ALONE, 1: None}, 1.0, 1.0, 1),  # what is missing is no disagreement
        ({**ALONE, 1: None, 2: ("Transport", 3), 3: None}, 0.5, 1.0, 2),
        (dict.fromkeys(ALONE), None, None, 4),
    ],
)
def test_a_size_is_compared_with_one_by_one_on_what_both_answered(
    said: Said, category: float | None, importance: float | None, missing: int
) -> None:
    _, measure = measured([trial(1, ALONE), trial(5, said)])
    assert (measure.category, measure.importance, measure.missing) == (category, importance, missing)
    assert measure.missing_share == missing / 4


def test_one_by_one_is_compared_with_itself() -> None:
    (measure,) = measured([trial(1, ALONE), trial(1, {**ALONE, 2: ("Transport", 5)})])
    assert (measure.category, measure.importance) == (0.75, 0.75)


def test_asked_once_one_by_one_has_nothing_to_be_compared_with() -> None:
    alone, size = measured([trial(1, ALONE), trial(3, ALONE)])
    assert (alone.category, alone.importance) == (None, None)
    assert (size.category, size.importance) == (1.0, 1.0)


def test_a_size_is_compared_with_both_trials_of_one_by_one() -> None:
    again = {**ALONE, 1: ("Transport", 3), 2: ("Transport", 3)}
    assert measured([trial(1, ALONE), trial(1, again), trial(5, ALONE)])[1].category == 0.75


def test_posts_that_one_by_one_missed_once_are_not_counted_as_answered() -> None:
    alone = alone_of(measured([trial(1, {**ALONE, 1: None}), trial(1, {**ALONE, 2: None})]))
    assert alone is not None
    assert (alone.answered, alone.missing) == (2, 1)


def test_what_it_took_is_the_mean_and_the_time_that_of_the_faster_trial() -> None:
    first = trial(1, ALONE, calls=4, seconds=9.0, input_tokens=100, output_tokens=10, cost=0.4)
    again = trial(1, ALONE, calls=5, seconds=2.0, input_tokens=200, output_tokens=20, cost=0.2)
    (measure,) = measured([first, again])
    assert (measure.calls, measure.seconds, measure.input_tokens, measure.output_tokens) == (4.5, 2.0, 150, 15)
    assert measure.cost_per_thousand == pytest.approx(1000 * 0.3 / 4)


def test_sizes_come_in_order_whatever_order_they_were_tried_in() -> None:
    assert [one.size for one in measured([trial(10, ALONE), trial(3, ALONE), trial(1, ALONE)])] == [1, 3, 10]
    assert alone_of(measured([trial(10, ALONE)])) is None
    assert measured([]) == []


@pytest.mark.parametrize(
    ("requests", "tokens", "minutes"), [(0, 0, 0), (60, 0, 2), (0, 6000, 5), (60, 6000, 5), (10, 6000, 12)]
)
def test_the_slower_limit_says_how_long_it_takes(requests: int, tokens: int, minutes: float) -> None:
    assert Effort(120, 29_000, 1000).least_minutes(requests, tokens) == minutes


def test_what_was_spent_is_the_sum_of_the_calls() -> None:
    calls = [ModelCall("m", "ok", 10, 5, 2, 0.1, 300), ModelCall("m", "HTTP 500", 0, 0, 0, 0.0, 20)]
    assert Effort.of(calls) == Effort(2, 10, 2)
