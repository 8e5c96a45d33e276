"""What is tried again waits longer each time, never the same for all, and never for ever."""

from __future__ import annotations

import pytest

from pipeline.stages.backoff import CALLS_AT_ONCE, LONGEST_WAIT_IN_PLACE_S, MAX_RETRIES, put_off_s, wait_in_place_s


@pytest.mark.parametrize(("attempt", "least", "most"), [(0, 0.5, 1), (1, 1, 2), (2, 2, 4)])
def test_the_wait_between_calls_of_one_claim(attempt: int, least: float, most: float) -> None:
    assert (wait_in_place_s(attempt, 0), wait_in_place_s(attempt, 1)) == (least, most)
    assert least < wait_in_place_s(attempt, 0.5) < most


def test_no_wait_of_a_claim_is_longer_than_is_waited_in_place() -> None:
    assert all(wait_in_place_s(attempt, 1) <= LONGEST_WAIT_IN_PLACE_S for attempt in range(CALLS_AT_ONCE - 1))


@pytest.mark.parametrize(
    ("retries", "least"), [(0, 5), (1, 10), (2, 20), (3, 40), (4, 60), (MAX_RETRIES, 60), (5000, 60)]
)
def test_work_that_was_given_back_waits_longer_each_time_up_to_a_minute_and_a_half(retries: int, least: float) -> None:
    assert (put_off_s(retries, 0), put_off_s(retries, 1)) == (least, least * 1.5)
