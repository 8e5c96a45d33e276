"""Which slot of a schedule is to be made now: a slot is a time at which the schedule wanted a digest."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from pipeline.stages.schedule import latest_due

SHORTEST_LEAD, LONGEST_LEAD = timedelta(minutes=2), timedelta(hours=2)
LEAD_WITHOUT_HISTORY = timedelta(minutes=10)
RESERVE = 1.5  # times as long as the slowest of the last runs
SPARE = timedelta(seconds=60)


def due_slot(
    cron: str, timezone: str, *, since: datetime, last: datetime | None, now: datetime, lead: timedelta
) -> datetime | None:
    """The time of the slot whose run is to start now, at most `lead` early; None where there is none.

    Of several that were missed it is the latest. What was due at `since` or before, when the schedule was not in force,
    or not after the `last` slot that was taken, is not made any more.

    Raises:
        UnusableCron: the cron expression cannot be a schedule.
    """
    due = latest_due(cron, timezone, now + lead)
    is_new = due is not None and due > since and (last is None or due > last)
    return due if is_new else None


def lead(making_times: Collection[timedelta]) -> timedelta:
    """How early a run starts, so that its digest is ready in time; from how long the last ones took to be made."""
    if not making_times:
        return LEAD_WITHOUT_HISTORY
    return min(max(max(making_times) * RESERVE + SPARE, SHORTEST_LEAD), LONGEST_LEAD)
