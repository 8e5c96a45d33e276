"""The table of readers opens in a spreadsheet program, and nothing in it runs there."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from pipeline.stages.readers_table import COLUMNS, readers_csv
from storage.records import ChatKind, Subscriber, SubscriberState
from tests.support import NOON

ANNA = Subscriber(
    1, 1, 7, ChatKind.PRIVATE, None, "ru", SubscriberState.ACTIVE, None, ("Спорт", "Weather"), 3, NOON, NOON
)
FANS = replace(
    ANNA, chat_id=-1001, kind=ChatKind.SUPERGROUP, title='Tram "fans", all', state=SubscriberState.RETIRED,
    reason="removed", left_out=(), changed_at=NOON.astimezone(timezone(timedelta(hours=3))) + timedelta(hours=1),
)  # fmt: skip


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(content.decode("utf-8-sig").splitlines()))


def test_every_reader_has_a_line() -> None:
    content = readers_csv([(ANNA, "афиша"), (FANS, None)])
    assert content.startswith(b"\xef\xbb\xbf"), "Excel takes it for something else than UTF-8"
    assert rows(content) == [
        list(COLUMNS),
        ["7", "private", "", "active", "", "ru", "Спорт, Weather", "афиша",
         "2026-11-03 12:00:00", "2026-11-03 12:00:00"],
        ["-1001", "supergroup", 'Tram "fans", all', "retired", "removed", "ru", "", "",
         "2026-11-03 12:00:00", "2026-11-03 13:00:00"],
    ]  # fmt: skip


def test_without_readers_there_is_the_heading() -> None:
    assert rows(readers_csv([])) == [list(COLUMNS)]


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ('=HYPERLINK("https://example.org")', '\'=HYPERLINK("https://example.org")'),
        ("+1 club", "'+1 club"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1+1", "'＝1+1"),
        ("\t=1+1", "'=1+1"),
        ("\r\n=1+1", "'=1+1"),
        ("a;=1+1", "a;'=1+1"),
        ("a, -1", "a, '-1"),
        ("two\nlines", "two lines"),
        ("News - daily = good", "News - daily = good"),
    ],
)
def test_a_title_that_would_be_a_formula_is_text(title: str, shown: str) -> None:
    content = readers_csv([(replace(FANS, title=title), title)])
    line = rows(content)[1]
    assert line[2] == line[7] == shown
    assert line[0] == "-1001", "numbers stay numbers"
