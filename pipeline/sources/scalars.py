"""Numbers and times as other people's programs write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

UNIX_SECONDS = re.compile(r"\d{9,11}(?:\.\d+)?")
WHOLE = re.compile(r"-?\d{1,19}")


def moment(value: object) -> datetime | None:
    """A time in UTC from unix seconds or ISO 8601; a time without a zone is taken as UTC. None where it is neither."""
    try:
        if isinstance(value, str):
            if value.isdecimal() and 9 <= len(value) <= 11:  # as exports have it, millions of times
                return datetime.fromtimestamp(int(value), UTC)
            if UNIX_SECONDS.fullmatch(value):
                return datetime.fromtimestamp(float(value), UTC)
            parsed = datetime.fromisoformat(value.strip())
            return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def whole(value: object) -> int | None:
    """An integer from 5, "5" or 5.0; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and WHOLE.fullmatch(value):
        return int(value)
    return None
