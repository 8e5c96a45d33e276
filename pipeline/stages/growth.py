"""How a number of readers grew: at which moments it is looked at, and how it is drawn in a line of text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

BARS = "▁▂▃▄▅▆▇█"


def day_ends(now: datetime, timezone: str, days: int) -> tuple[datetime, ...]:
    """The ends of the last `days` days in `timezone`, in UTC and in order; the last one is `now`."""
    zone = ZoneInfo(timezone)
    today = now.astimezone(zone).date()
    midnights = [datetime.combine(today - timedelta(days=back), time(), zone) for back in reversed(range(days - 1))]
    return (*(midnight.astimezone(UTC) for midnight in midnights), now)


def sparkline(numbers: Sequence[int]) -> str:
    """A bar for each number, between the lowest and the highest of them; all the same is a flat line."""
    low, high = min(numbers, default=0), max(numbers, default=0)
    if low == high:
        return BARS[0 if high == 0 else len(BARS) // 2] * len(numbers)
    return "".join(BARS[(number - low) * (len(BARS) - 1) // (high - low)] for number in numbers)
