"""When a public bot's digests are due: its cron expression names wall-clock moments of its time zone.

Each such moment is one period. One that the clocks jump over is due by the clock as it went before (02:30 comes at what
is now 03:30), one that comes twice is due the first time, and two that fall on one instant are one period. Instants are
in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

FIELDS = 5
EXAMPLE = 'like "0 9 * * *"'
MINUTE = timedelta(minutes=1)
LONGEST_CHANGE = timedelta(hours=25)  # of a zone's clocks: a day and no more, as in Samoa in 2011
REMEMBERED = 4
BEGINNING, END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

_CHANCE = re.compile(r"[hr]([(/].*)?", re.IGNORECASE)
_SOME_YEAR = datetime(2000, 1, 1)  # noqa: DTZ001 - on the wall, in no zone


class UnusableCron(ValueError):
    """The cron expression cannot be a schedule; the message says why, as the end of a sentence."""


@lru_cache(maxsize=1000)
def check_cron(expression: str) -> None:
    """Raises: UnusableCron: it is not of five fields, leaves the time to chance, or names a day that never comes."""
    fields = expression.split()
    if len(fields) != FIELDS:
        raise UnusableCron(f"a cron expression has five fields (minute, hour, day, month, weekday), {EXAMPLE}")
    if any(_CHANCE.fullmatch(field) for field in fields):
        raise UnusableCron(f"H and R leave the time to chance; write a cron expression that names it, {EXAMPLE}")
    if not croniter.is_valid(expression):
        raise UnusableCron(f"this is no cron expression; write one {EXAMPLE}")
    if next(_walls(expression, _SOME_YEAR), None) is None:
        raise UnusableCron(f"the day it names never comes; write a cron expression {EXAMPLE}")


def latest_due(cron: str, timezone: str, not_after: datetime) -> datetime | None:
    """The last time the schedule was due, at `not_after` or before; None where it never was.

    Raises:
        UnusableCron: it cannot be a schedule.
    """
    return _timetable(cron, timezone).latest(not_after)


def next_due(cron: str, timezone: str, after: datetime, number: int) -> list[datetime]:
    """The next `number` times the schedule is due after `after`, in order.

    Raises:
        UnusableCron: it cannot be a schedule.
    """
    check_cron(cron)
    zone, found = ZoneInfo(timezone), set[datetime]()
    for wall in _walls(cron, _naive(after, min(_offsets(after, zone)))):
        due = _instant(wall, zone)
        if due > after:
            found.add(due)
        if len(found) >= number and sorted(found)[number - 1] <= due - _jump(due, zone):
            break
    return sorted(found)[:number]


class Timetable:
    """The due times of one schedule. It is asked all the time, and remembers the last stretches without one."""

    def __init__(self, cron: str, timezone: str) -> None:
        check_cron(cron)
        self._cron = cron
        self._timezone = timezone
        self._stretches: tuple[tuple[datetime, datetime], ...] = ()

    def latest(self, not_after: datetime) -> datetime | None:
        """See `latest_due`."""
        known = (since for since, until in self._stretches if since <= not_after < until)
        since = next(known, None) or self._look(not_after)
        return since if since > BEGINNING else None

    def _look(self, moment: datetime) -> datetime:
        """The last due time, and remember it with the next one."""
        since = _latest(self._cron, ZoneInfo(self._timezone), moment) or BEGINNING
        until = next(iter(next_due(self._cron, self._timezone, moment, 1)), END)
        self._stretches = ((since, until), *self._stretches[: REMEMBERED - 1])
        return since


@lru_cache(maxsize=1000)
def _timetable(cron: str, timezone: str) -> Timetable:
    return Timetable(cron, timezone)


def _latest(cron: str, zone: ZoneInfo, not_after: datetime) -> datetime | None:
    """The first hit on the way back; behind a jump, the walls that it moved to later instants are looked at as well."""
    walls = _walls(cron, _naive(not_after, max(_offsets(not_after, zone))), back=True)
    dues = ((wall, _instant(wall, zone)) for wall in walls)
    hit = next((one for one in dues if one[1] <= not_after), None)
    if hit is None:
        return None
    wall, due = hit
    jump = _jump(due, zone)
    if not jump:
        return due
    rivals = takewhile(lambda one: one[0] > wall - jump, dues)
    return max([due, *(rival for _, rival in rivals if rival <= not_after)])


def _walls(cron: str, start: datetime, *, back: bool = False) -> Iterator[datetime]:
    """The moments on the wall after `start`, or back from it with itself; none where none comes within 50 years."""
    if back:
        start = start.replace(second=0, microsecond=0) + MINUTE
    steps = croniter(cron, start, datetime)
    try:
        while True:
            yield steps.get_prev() if back else steps.get_next()
    except CroniterBadDateError:
        return


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _naive(instant: datetime, offset: timedelta) -> datetime:
    return (instant.astimezone(UTC) + offset).replace(tzinfo=None)


def _jump(instant: datetime, zone: ZoneInfo) -> timedelta:
    """By how much the clocks were put forward, at an instant that a moment they jumped over may stand for as well."""
    before, now = _offsets(instant, zone)
    return max(timedelta(), now - before)


def _offsets(instant: datetime, zone: ZoneInfo) -> tuple[timedelta, timedelta]:
    """The zone's offset from UTC before and at an instant; they differ for as long after a change as the change is."""
    now = _offset(instant, zone)
    change = abs(now - _offset(instant - LONGEST_CHANGE, zone))
    return _offset(instant - change, zone), now


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset
