"""Flags of the old program: which posts it had given, to whom and when."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.sources.predecessor import Leftover, OldFlag, read_flags


def read(folder: Path, content: object, name: str = "flags.json") -> tuple[list[OldFlag], list[str]]:
    """The flags, and the places of what was left over."""
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    found = list(read_flags(path))
    return (
        [one for one in found if isinstance(one, OldFlag)],
        [one.where for one in found if isinstance(one, Leftover)],
    )


@pytest.mark.parametrize(
    "flags",
    [
        [12, 13],
        ["12", "13"],
        {"12": True, "13": 1, "14": False, "15": None},
        {"12": "sent", "13": "2026-11-02T08:00:00", "14": "pending"},
        {"sent": [12, 13]},
        {"flags": {"sent": {"12": True, "13": True}}},
        {"12": {"sent": True}, "13": {"processed": True}, "14": {"sent": False, "processed": True}},
        [{"id": 12, "sent": True}, {"id": 13, "sent_at": "2026-11-02"}, {"id": 14, "sent": 0}],
        {
            "posts": [
                {"id": 12, "text": "A", "sent": 1},
                {"id": 13, "text": "B", "processed": 1},
                {"id": 14, "text": "C"},
            ]
        },
    ],
)
def test_what_was_given_is_known_in_any_usual_form(tmp_path: Path, flags: object) -> None:
    found, left = read(tmp_path, flags)
    assert [one.reference.id for one in found] == ["12", "13"]
    assert left == []


def test_where_posts_are_processed_and_sent_only_sent_counts(tmp_path: Path) -> None:
    found, left = read(tmp_path, {"processed": [1, 2, 3], "sent": [2]})
    assert [one.reference.id for one in found] == ["2"]
    assert left == ["processed"]


@pytest.mark.parametrize(
    "flags",
    [
        {"city": [12]},
        {"city": {"sent": [12]}},
        {"bots": {"city": {"12": True}}},
        {"12": {"city": True, "tech": False}},
        {"12": ["city"]},
        [{"id": 12, "bot": "city", "sent": True}],
        [{"id": 12, "sent_to": ["city"]}],
        {"12": {"sent": {"city": True, "tech": False}}},
    ],
)
def test_a_flag_may_say_for_which_bot(tmp_path: Path, flags: object) -> None:
    (flag,), left = read(tmp_path, flags)
    assert (flag.reference.id, flag.bots, left) == ("12", ("city",), [])


def test_ids_links_and_channels_name_a_post(tmp_path: Path) -> None:
    found, _ = read(tmp_path, ["city:12", "https://t.me/city/12", "https://t.me/s/City/12?single"])
    assert {(one.reference.channel, one.reference.id) for one in found} == {("city", "12")}


def test_times_are_kept(tmp_path: Path) -> None:
    found, _ = read(tmp_path, {"12": 1793606400, "13": {"sent_at": "2026-11-02T08:00:00+03:00"}})
    assert [one.given_at for one in found] == [
        datetime(2026, 11, 2, 8, tzinfo=UTC),
        datetime(2026, 11, 2, 5, tzinfo=UTC),
    ]


def test_when_a_channel_published_a_post_is_no_flag(tmp_path: Path) -> None:
    found, left = read(tmp_path, [{"id": 12, "text": "A tram.", "published": "2026-11-02T08:00:00"}])
    assert (found, left) == ([], [])


def test_a_value_that_says_neither_yes_nor_no_is_left_over(tmp_path: Path) -> None:
    found, left = read(tmp_path, {"12": True, "last_id": 4711, "13": "perhaps"})
    assert [one.reference.id for one in found] == ["12"]
    assert left == ["last_id", "13"]


def test_a_list_of_links_may_be_plain_lines(tmp_path: Path) -> None:
    found, _ = read(tmp_path, "https://t.me/city/12\n\n13\n", "sent.txt")
    assert [one.reference.id for one in found] == ["12", "13"]
