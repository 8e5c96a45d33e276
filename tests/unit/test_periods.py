"""What operators may write for a period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.errors import ForPeople
from pipeline.stages.periods import looks_like_period, parse_period, since

NOW = datetime(2024, 12, 5, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "start", "end"),
    [
        ("24h", "UTC", "2024-12-04T09:30", "2024-12-05T09:30"),
        ("3d", "Europe/Moscow", "2024-12-02T09:30", "2024-12-05T09:30"),
        ("3D", "UTC", "2024-12-02T09:30", "2024-12-05T09:30"),
        ("2024-12-01..2024-12-04", "UTC", "2024-12-01T00:00", "2024-12-05T00:00"),
        ("2024-12-01..2024-12-04", "Europe/Moscow", "2024-11-30T21:00", "2024-12-04T21:00"),
        ("2024-12-03", "Asia/Kolkata", "2024-12-02T18:30", "2024-12-03T18:30"),
        ("2024-03-31", "Europe/Berlin", "2024-03-30T23:00", "2024-03-31T22:00"),  # a day of 23 hours
        ("2024-10-27", "Europe/Berlin", "2024-10-26T22:00", "2024-10-27T23:00"),  # a day of 25 hours
    ],
)
def test_a_period_is_understood(text: str, zone: str, start: str, end: str) -> None:
    period = parse_period(text, zone, NOW)
    assert period.start == datetime.fromisoformat(f"{start}+00:00")
    assert period.end == datetime.fromisoformat(f"{end}+00:00")
    assert looks_like_period(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "0h",
        "-3d",
        "24",
        "h",
        "2024-02-30",
        "2024-12-04..2024-12-01",
        "2024-12-01..",
        "..",
        "9999-12-31",
    ],
)
def test_what_is_no_period_is_said_with_the_word(text: str) -> None:
    with pytest.raises(ForPeople) as raised:
        parse_period(text, "UTC", NOW)
    assert raised.value.message_id == "digest.bad_period"
    assert raised.value.params == {"period": text}


def test_without_a_period_it_begins_where_the_last_digest_ended_within_the_window() -> None:
    hour = timedelta(hours=1)
    assert since(None, 24, NOW).start == NOW - 24 * hour
    assert since(NOW - 5 * hour, 24, NOW).start == NOW - 5 * hour
    assert since(NOW - 50 * hour, 24, NOW).start == NOW - 24 * hour
    assert since(NOW + hour, 24, NOW).start == NOW, "a period that reached into the future leaves nothing, not less"
