"""How the growth of an audience is measured and drawn."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.stages.growth import day_ends, sparkline


def test_days_end_at_midnight_where_the_bot_lives_and_the_last_one_now() -> None:
    now = datetime(2026, 11, 3, 22, 30, tzinfo=UTC)  # the fourth of November in Moscow
    assert day_ends(now, "Europe/Moscow", 3) == (
        datetime(2026, 11, 2, 21, tzinfo=UTC),
        datetime(2026, 11, 3, 21, tzinfo=UTC),
        now,
    )
    assert day_ends(now, "UTC", 1) == (now,)


def test_a_day_of_23_hours_is_a_day() -> None:
    ends = day_ends(datetime(2026, 3, 30, 12, tzinfo=UTC), "Europe/Berlin", 3)
    assert ends[:2] == (datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC))


@pytest.mark.parametrize(
    ("numbers", "drawn"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"),
        ([1000, 1000, 1007], "▁▁█"),
        ([7, 3, 7], "█▁█"),
        ([5, 5], "▅▅"),
        ([0, 0, 0], "▁▁▁"),
        ([], ""),
    ],
)
def test_a_bar_for_each_number(numbers: list[int], drawn: str) -> None:
    assert sparkline(numbers) == drawn
