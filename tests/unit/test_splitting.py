"""What becomes of batches that were answered badly, and of those whose process died."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.stages.splitting import after_answer, after_crash

Problems = Callable[[tuple[int, ...]], dict[int, str]]


def play(batch: tuple[int, ...], problems: Problems) -> tuple[int, dict[int, str]]:
    """Ask until nothing is left; how many calls that took, and who was set aside."""
    waiting, calls, aside = [(batch, 0)], 0, dict[int, str]()
    while waiting:
        posts, failures = waiting.pop()
        calls += 1
        steps = after_answer(posts, problems(posts), {}, failures)
        waiting += [(smaller, 0) for smaller in steps.smaller]
        waiting += [((one,), 1) for one in steps.alone]
        waiting += [(posts, failures + 1)] if steps.again else []
        aside |= steps.set_aside or {}
    return calls, aside


@pytest.mark.parametrize("bad", range(5))
def test_one_missing_post_costs_two_more_calls(bad: int) -> None:
    calls, aside = play(tuple(range(5)), lambda posts: {one: "missing" for one in posts if one == bad})
    assert (calls, aside) == (3, {bad: "missing"})


@pytest.mark.parametrize("bad", range(5))
def test_one_post_for_which_the_whole_batch_is_refused_costs_seven_more_calls_at_most(bad: int) -> None:
    calls, aside = play(tuple(range(5)), lambda posts: dict.fromkeys(posts, "refused") if bad in posts else {})
    assert calls <= 1 + 7
    assert aside == {bad: "refused"}


def test_a_good_batch_is_asked_once() -> None:
    assert play((1, 2, 3), lambda posts: {}) == (1, {})


def test_a_model_that_answers_nothing_comes_to_an_end() -> None:
    calls, aside = play(tuple(range(10)), lambda posts: dict.fromkeys(posts, "missing"))
    assert set(aside) == set(range(10))
    assert calls <= 40


def test_a_doubtful_answer_is_asked_once_more_alone() -> None:
    steps = after_answer([1, 2, 3], {}, {2: "invented 45"}, 0)
    assert (steps.alone, steps.smaller, steps.set_aside) == ((2,), (), None)


@pytest.mark.parametrize(
    ("batch", "crashes", "smaller", "again", "aside"),
    [
        ((1, 2), 0, ((1,), (2,)), False, None),
        ((1,), 0, (), True, None),
        ((1,), 1, (), True, None),
        ((1,), 2, (), False, {1}),
    ],
)
def test_after_a_crash_a_batch_is_tried_post_by_post_and_a_post_not_for_ever(
    batch: tuple[int, ...], crashes: int, smaller: tuple[tuple[int, ...], ...], again: bool, aside: set[int] | None
) -> None:
    steps = after_crash(batch, crashes, "it ended")
    assert (steps.smaller, steps.again) == (smaller, again)
    assert (set(steps.set_aside) if steps.set_aside else None) == aside
