"""What is tried again waits longer each time, never the same for all, and never for ever."""

from __future__ import annotations

import pytest

from pipeline.stages.backoff import MAX_RETRIES, OUTAGE_AFTER, outage_pause_s, put_off_s


@pytest.mark.parametrize(
    ("retries", "least"), [(0, 2), (1, 4), (2, 8), (3, 16), (4, 32), (5, 60), (MAX_RETRIES, 60), (5000, 60)]
)
def test_work_that_was_given_back_waits_longer_each_time_up_to_a_minute_and_a_half(retries: int, least: float) -> None:
    assert (put_off_s(retries, 0), put_off_s(retries, 1)) == (least, least * 1.5)


@pytest.mark.parametrize(
    ("failures", "pause"), [(0, 0), (OUTAGE_AFTER - 1, 0), (OUTAGE_AFTER, 2), (OUTAGE_AFTER + 1, 4), (5000, 60)]
)
def test_an_outage_is_three_failures_in_a_row_and_pauses_longer_each_time(failures: int, pause: float) -> None:
    assert outage_pause_s(failures) == pause
