"""The ways in which programs write when something happens every day, as a cron expression."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipeline.sources.scalars import whole

TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::00)?")
CRON = re.compile(r"[\d*/,\-A-Za-z]+(?: +[\d*/,\-A-Za-z?#]+){4}")
EVERY = re.compile(r"(?:every )?(\d{1,2}) ?h(?:ours?)?", re.IGNORECASE)


def cron_of(value: object) -> str | None:
    """A cron expression from one, "09:00", ["09:00", "18:00"], {"hour": 9, "minute": 0}, "every 6 hours"; else None."""
    if isinstance(value, Mapping):
        return _of_object(value)
    if isinstance(value, list):
        return _of_times([str(one) for one in value])
    text = " ".join(str(value).split())
    if CRON.fullmatch(text):
        return text
    if (every := EVERY.fullmatch(text)) and 24 % max(1, int(every[1])) == 0:
        return f"0 */{int(every[1])} * * *"
    return _of_times(re.split(r"[,;] ?| ", text))


def _of_object(value: Mapping[str, object]) -> str | None:
    for key in ("cron", "time", "times", "at"):
        if value.get(key):
            return cron_of(value[key])
    hours = value.get("hour", value.get("hours"))
    minute = whole(value.get("minute", 0))
    numbers = [whole(one) for one in (hours if isinstance(hours, list) else [hours])]
    if minute is None or not 0 <= minute < 60 or not all(one is not None and 0 <= one < 24 for one in numbers):
        return None
    return f"{minute} {','.join(map(str, numbers))} * * *"


def _of_times(times: list[str]) -> str | None:
    """One expression has one minute for all of its hours."""
    found = [TIME.fullmatch(one.strip()) for one in times]
    matched = [one for one in found if one]
    if not matched or len(matched) < len(found) or len({int(one[2]) for one in matched}) > 1:
        return None
    return f"{int(matched[0][2])} {','.join(str(hour) for hour in sorted({int(one[1]) for one in matched}))} * * *"
