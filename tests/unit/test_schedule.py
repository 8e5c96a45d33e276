"""When a schedule is due: wall-clock time of the bot's zone, whatever the clocks do, and each period once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from pipeline.stages.schedule import UnusableCron, check_cron, latest_due, next_due
from pipeline.stages.slots import LEAD_WITHOUT_HISTORY, LONGEST_LEAD, SHORTEST_LEAD, due_slot, lead

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BERLIN, SAO_PAULO, LORD_HOWE = "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe"
FAR_AWAY = "Pacific/Apia"  # it left out a whole day, 30 December 2011
TEN = timedelta(minutes=10)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def on_the_wall(moments: Sequence[datetime], timezone: str) -> list[str]:
    return [f"{moment.astimezone(ZoneInfo(timezone)):%d %H:%M %z}" for moment in moments]


@pytest.mark.parametrize(
    ("timezone", "cron", "after", "expected"),
    [
        (BERLIN, "30 9 * * *", "2026-03-28", ["28 09:30 +0100", "29 09:30 +0200", "30 09:30 +0200"]),
        (BERLIN, "30 2 * * *", "2026-03-28", ["28 02:30 +0100", "29 03:30 +0200", "30 02:30 +0200"]),
        (BERLIN, "0 2,3 29 3 *", "2026-03-28", ["29 03:00 +0200"]),
        (BERLIN, "30 2,3 29 3 *", "2026-03-28", ["29 03:30 +0200"]),
        (BERLIN, "*/30 1-3 29 3 *", "2026-03-29T00:15", ["29 01:30 +0100", "29 03:00 +0200", "29 03:30 +0200"]),
        (BERLIN, "30 2 * * *", "2026-10-24", ["24 02:30 +0200", "25 02:30 +0200", "26 02:30 +0100"]),
        (BERLIN, "0 * 25 10 *", "2026-10-24T23:30", ["25 02:00 +0200", "25 03:00 +0100", "25 04:00 +0100"]),
        (SAO_PAULO, "0 0 * * *", "2018-11-03", ["03 00:00 -0300", "04 01:00 -0200", "05 00:00 -0200"]),
        (SAO_PAULO, "0 0 * * 0", "2018-11-03", ["04 01:00 -0200", "11 00:00 -0200"]),
        (SAO_PAULO, "0 23 * * *", "2018-02-17T12:00", ["17 23:00 -0200", "18 23:00 -0300"]),
        (SAO_PAULO, "0 0 * * *", "2018-02-17T12:00", ["18 00:00 -0300", "19 00:00 -0300"]),
        (LORD_HOWE, "15,30 2 * * *", "2026-10-03T12:00", ["04 02:30 +1100", "04 02:45 +1100", "05 02:15 +1100"]),
        (FAR_AWAY, "0 9 * * *", "2011-12-29T12:00", ["29 09:00 -1000", "31 09:00 +1400", "01 09:00 +1400"]),
    ],
)  # fmt: skip
def test_a_schedule_names_times_on_the_wall(timezone: str, cron: str, after: str, expected: list[str]) -> None:
    """What is jumped over comes by the old clock, what comes twice counts once, and two of one instant are one."""
    moments = next_due(cron, timezone, utc(after), len(expected))
    assert on_the_wall(moments, timezone) == expected
    for earlier, later in pairwise(moments):
        assert latest_due(cron, timezone, later - MINUTE) == earlier
        assert latest_due(cron, timezone, later) == later


def instants_by_hand(start: datetime, end: datetime, timezone: str) -> dict[datetime, datetime]:
    """Every moment on the wall from `start` to `end`, and when it comes: found by living through them."""
    zone, comes = ZoneInfo(timezone), dict[datetime, datetime]()
    wall = last = start.astimezone(zone).replace(tzinfo=None)
    for passed in range(int((end - start) / MINUTE)):
        now = start + passed * MINUTE
        wall = now.astimezone(zone).replace(tzinfo=None)
        for jumped in range(1, int((wall - last) / MINUTE)):
            comes.setdefault(last + jumped * MINUTE, now + (jumped - 1) * MINUTE)
        comes.setdefault(wall, now)
        last = wall
    return comes


@pytest.mark.parametrize(
    ("timezone", "start"),
    [
        (BERLIN, "2026-03-28"),
        (BERLIN, "2026-10-24"),
        (BERLIN, "2026-07-01"),
        (SAO_PAULO, "2018-11-03"),
        (SAO_PAULO, "2018-02-17"),
        (LORD_HOWE, "2026-10-03"),
        (LORD_HOWE, "2026-04-04"),
    ],
)
@pytest.mark.parametrize(
    ("minutes", "hours"), [((17,), range(4)), ((0, 30), (0, 23)), ((0, 30), range(24)), (range(0, 60, 7), range(4))]
)
def test_the_days_when_clocks_change_lived_minute_by_minute(
    timezone: str, start: str, minutes: Sequence[int], hours: Sequence[int]
) -> None:
    cron = f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * *"
    first = utc(start)
    lived = instants_by_hand(first - 2 * DAY, first + 4 * DAY, timezone)
    due = sorted({lived[wall] for wall in lived if wall.minute in minutes and wall.hour in hours})
    coming = [one for one in due if first < one < first + 2 * DAY]
    assert next_due(cron, timezone, first, len(coming)) == coming
    for now in (*coming, *(one - MINUTE for one in coming), *(first + n * DAY / 50 for n in range(100))):
        assert latest_due(cron, timezone, now) == max(one for one in due if one <= now), now


def test_rare_days_are_found_however_far_away() -> None:
    assert next_due("0 0 29 2 *", "UTC", utc("2026-05-01"), 2) == [utc("2028-02-29"), utc("2032-02-29")]
    assert latest_due("0 0 29 2 *", "UTC", utc("2028-02-28T23:59")) == utc("2024-02-29")
    assert next_due("0 9 * * mon#1", "UTC", utc("2026-11-03"), 1) == [utc("2026-12-07T09:00")]


def test_whatever_was_asked_before_the_answer_is_the_same() -> None:
    """The last answer is remembered: going back and forth in time must not show it."""
    chance = random.Random(5)
    for _ in range(500):
        now = utc("2026-01-01") + chance.randrange(365 * 24 * 60) * MINUTE
        due = latest_due("30 2 * * *", BERLIN, now)
        assert due is not None
        assert due <= now < next_due("30 2 * * *", BERLIN, due, 1)[0]


@pytest.mark.parametrize(
    ("cron", "problem"),
    [
        ("*/5 * * * * *", "five fields"),
        ("0 9 * * * 2026 0", "five fields"),
        ("@daily", "five fields"),
        ("", "five fields"),
        ("at nine in the morning", "no cron expression"),
        ("60 9 * * *", "no cron expression"),
        ("R 9 * * *", "chance"),
        ("r(0-30) 9 * * *", "chance"),
        ("H/15 9 * * *", "chance"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
    ],
)
def test_what_cannot_be_a_schedule_is_refused_with_the_reason(cron: str, problem: str) -> None:
    for refuse in (
        lambda: check_cron(cron),
        lambda: next_due(cron, "UTC", utc("2026-01-01"), 1),
        lambda: latest_due(cron, "UTC", utc("2026-01-01")),
    ):
        with pytest.raises(UnusableCron, match=problem) as raised:
            refuse()
        assert '"0 9 * * *"' in str(raised.value)


@pytest.mark.parametrize("cron", ["0 9 * * thu,fri", "*/7 0-6/2 1 jan-mar *", "0 9 l * *", "0  9 ? * *"])
def test_letters_and_gaps_of_ordinary_expressions_are_no_chance(cron: str) -> None:
    check_cron(cron)


MORNING = utc("2026-11-03T09:00")


def slot(now: str, *, since: str = "2026-01-01", last: str | None = None) -> datetime | None:
    return due_slot(
        "0 9 * * *", "UTC", since=utc(since), last=utc(last) if last else None, now=utc(now), lead=TEN
    )  # fmt: skip


def test_a_slot_is_taken_its_lead_early_and_not_sooner() -> None:
    assert slot("2026-11-03T08:49", last="2026-11-02T09:00") is None
    assert slot("2026-11-03T08:50", last="2026-11-02T09:00") == MORNING


def test_of_the_missed_slots_the_latest_is_made() -> None:
    assert slot("2026-11-03T09:01", last="2026-11-02T09:00") == MORNING
    assert slot("2026-11-03T20:00", last="2026-10-25T09:00") == MORNING
    assert slot("2026-11-03T20:00", last="2026-11-03T09:00") is None


def test_what_was_due_before_the_schedule_came_into_force_is_not_caught_up() -> None:
    assert slot("2026-11-03T10:00", since="2026-11-03T09:30") is None
    assert slot("2026-11-03T10:00", since="2026-11-03T09:00") is None
    assert slot("2026-11-03T10:00", since="2026-11-03T08:59") == MORNING


def test_a_lead_that_shrinks_does_not_lead_back_to_an_earlier_slot() -> None:
    hourly = {"cron": "0 * * * *", "timezone": "UTC", "since": utc("2026-01-01"), "now": utc("2026-11-03T09:05")}
    assert due_slot(**hourly, last=utc("2026-11-03T11:00"), lead=SHORTEST_LEAD) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ([], LEAD_WITHOUT_HISTORY),
        ([0], SHORTEST_LEAD),
        ([2, 10, 4], timedelta(minutes=16)),
        ([500, 1], LONGEST_LEAD),
    ],
)
def test_the_lead_leaves_room_for_the_slowest_of_the_last_runs(minutes: list[int], expected: timedelta) -> None:
    assert lead([timedelta(minutes=one) for one in minutes]) == expected


YEAR = 365 * 24 * 60
PHASES = ((0, 1), (0, 2), (1, 3), (2, 3))  # of several tickers: which minute of how many


def uptimes(chance: random.Random) -> list[bool]:
    """For each minute of a year whether a ticker is up. It misses minutes, hours, nights, and once a whole week."""
    up = [True] * YEAR
    for outages, shortest, longest in [(60, 1, 5), (25, 30, 240), (15, 400, 700), (1, 7 * 1440, 9 * 1440)]:
        for _ in range(outages):
            start, length = chance.randrange(YEAR), chance.randint(shortest, longest)
            up[start : start + length] = [False] * len(up[start : start + length])
    return up


def due_in_the_year(minute: int, hours: Sequence[int], timezone: str, start: datetime) -> list[datetime]:
    lived = instants_by_hand(start - 2 * DAY, start + YEAR * MINUTE + 2 * DAY, timezone)
    return sorted({when for wall, when in lived.items() if wall.minute == minute and wall.hour in hours})


def first_chances(due: Sequence[datetime], start: datetime, up: Sequence[bool]) -> list[tuple[datetime, datetime]]:
    """Each period after `start` that is to be made, and when: in the first minute that somebody is up from its lead on
    until the next one's lead begins."""
    begins = [int((one - TEN - start) / MINUTE) for one in due]
    chances = list[tuple[datetime, datetime]]()
    for period, (begin, end) in zip(due, pairwise(begins), strict=False):
        first = next((minute for minute in range(max(begin, 0), min(end, YEAR)) if up[minute]), None)
        if period > start and first is not None:
            chances.append((period, start + first * MINUTE))
    return chances


@pytest.mark.parametrize(
    ("timezone", "first_day", "minute", "hours"),
    [(BERLIN, "2026-01-01", 30, [2]), (SAO_PAULO, "2018-01-01", 0, [0, 23])],
)
def test_over_a_year_of_minutes_with_downtimes_each_period_is_made_once(
    timezone: str, first_day: str, minute: int, hours: Sequence[int]
) -> None:
    """At its time, or as soon as somebody is up again; of those that a downtime has swallowed, the latest."""
    start, up = utc(first_day), uptimes(random.Random(minute))
    cron = f"{minute} {','.join(map(str, hours))} * * *"
    made, last = list[tuple[datetime, datetime]](), None
    for passed in range(YEAR):
        if up[passed]:
            now = start + passed * MINUTE
            found = due_slot(cron, timezone, since=start, last=last, now=now, lead=TEN)
            if found is not None:
                made.append((found, now))
                last = found
    due = due_in_the_year(minute, hours, timezone, start)
    assert made == first_chances(due, start, up)
    assert [period for period, _ in made] == sorted({period for period, _ in made}), "in order, and none twice"
    assert all(now >= period - TEN for period, now in made)
    assert len(hours) * 350 < len(made) < len(hours) * 365, "a week and some nights have swallowed a few"


def test_several_tickers_over_a_year_make_each_period_once() -> None:
    """Each knows only what was taken a minute ago, and the slot goes to whoever writes it down first."""
    start, chance = utc("2026-01-01"), random.Random(11)
    uptime = [uptimes(chance) for _ in PHASES]
    up = [
        any(up[minute] and minute % every == phase for up, (phase, every) in zip(uptime, PHASES, strict=True))
        for minute in range(YEAR)
    ]
    slots, refused, last = dict[datetime, datetime](), 0, None
    for passed in range(YEAR):
        now, known = start + passed * MINUTE, last
        for up_then, (phase, every) in zip(uptime, PHASES, strict=True):
            if passed % every == phase and up_then[passed]:
                found = due_slot("0 1,2,3 * * *", BERLIN, since=start, last=known, now=now, lead=TEN)
                if found is not None:
                    refused += found in slots
                    slots.setdefault(found, now)
                    last = found
    assert list(slots.items()) == first_chances(due_in_the_year(0, [1, 2, 3], BERLIN, start), start, up)
    assert refused > 100, "they did come at the same time"
