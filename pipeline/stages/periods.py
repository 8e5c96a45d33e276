"""What an operator means by a period: `24h`, `3d`, `2024-12-01..2024-12-04`, or nothing."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pipeline.errors import ForPeople
from storage.records import Period

_SPAN = re.compile(r"(?P<number>[1-9]\d{0,3})(?P<unit>[hd])", re.IGNORECASE)
_DAY = r"\d{4}-\d{2}-\d{2}"
_DAYS = re.compile(rf"(?P<first>{_DAY})(?:\.\.(?P<last>{_DAY}))?")


def looks_like_period(text: str) -> bool:
    """Whether this word of a command can only be meant as a period."""
    return bool(_SPAN.fullmatch(text) or _DAYS.fullmatch(text) or ".." in text)


def parse_period(text: str, timezone: str, now: datetime) -> Period:
    """A period in words, as two moments in UTC.

    `24h` and `3d` end now. Days are whole days of `timezone`, both included; one day alone is that day.

    Raises:
        ForPeople: it is no period, a day does not exist, or the first day comes after the last.
    """
    if span := _SPAN.fullmatch(text):
        unit = timedelta(hours=1) if span["unit"].lower() == "h" else timedelta(days=1)
        return Period(now - int(span["number"]) * unit, now)
    days = _DAYS.fullmatch(text)
    if days is None:
        raise ForPeople("digest.bad_period", period=text)
    try:
        first = date.fromisoformat(days["first"])
        last = date.fromisoformat(days["last"] or days["first"])
        period = Period(_midnight(first, timezone), _midnight(last + timedelta(days=1), timezone))
    except (ValueError, OverflowError):
        raise ForPeople("digest.bad_period", period=text) from None
    if last < first:
        raise ForPeople("digest.bad_period", period=text)
    return period


def since(last_end: datetime | None, window_hours: int, now: datetime) -> Period:
    """The period of a digest that nobody gave one for: since the last digest, at most `window_hours`."""
    earliest = now - timedelta(hours=window_hours)
    return Period(min(max(earliest, last_end or earliest), now), now)


def _midnight(day: date, timezone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)
