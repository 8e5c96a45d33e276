"""Posts caches of the old program, as programs usually keep them: nothing in one is lost without a word."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.sources.predecessor import Leftover, OldPost, read_posts
from pipeline.sources.reading import BrokenFile

DAY = "2026-11-02T08:00:00+00:00"
UNIX = 1793606400


def read(folder: Path, content: object, name: str = "cache.json", table: str | None = None) -> list[OldPost | Leftover]:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return list(read_posts(path, table))


def only_post(found: list[OldPost | Leftover]) -> OldPost:
    (one,) = found
    assert isinstance(one, OldPost), one
    return one


@pytest.mark.parametrize(
    "record",
    [
        {"id": 12, "text": "A tram.", "date": DAY, "channel": "city"},
        {"message_id": "12", "content": "A tram.", "timestamp": UNIX, "source": "@City"},
        {
            "post_id": 12,
            "message": "A tram.",
            "date_unixtime": str(UNIX),
            "chat": {"username": "city", "title": "City"},
        },
        {"Text": "A tram.", "Date": "2026-11-02 08:00:00", "URL": "https://t.me/city/12"},
        {"id": "city:12", "body": "A tram.", "published_at": DAY},
    ],
)
def test_a_post_is_known_by_any_of_the_usual_names(tmp_path: Path, record: dict[str, Any]) -> None:
    post = only_post(read(tmp_path, [record]))
    assert (post.channel, post.message["message_id"], post.message["text"]) == ("city", "12", "A tram.")


@pytest.mark.parametrize(
    "cache",
    [
        [{"id": 12, "text": "A tram.", "date": DAY, "channel": "city"}],
        {"posts_cache": [{"id": 12, "text": "A tram.", "date": DAY, "channel": "city"}]},
        {"12": {"text": "A tram.", "date": DAY, "channel": "city"}},
        {"city:12": {"text": "A tram.", "date": DAY}},
        {"@city": [{"id": 12, "text": "A tram.", "date": DAY}]},
        {"channels": {"city": {"12": {"text": "A tram.", "date": DAY}}}},
        {"https://t.me/city/12": {"text": "A tram.", "date": DAY}},
    ],
)
def test_a_cache_may_be_a_list_or_an_object_by_id_or_by_channel(tmp_path: Path, cache: object) -> None:
    post = only_post(read(tmp_path, cache))
    assert (post.channel, post.message["message_id"]) == ("city", "12")


def test_json_lines_csv_and_sqlite_hold_the_same(tmp_path: Path) -> None:
    record = {"id": 12, "text": "A tram.", "date": DAY, "channel": "city"}
    other = {**record, "id": 13}
    with closing(sqlite3.connect(tmp_path / "old.db")) as connection, connection:
        connection.execute("CREATE TABLE settings (key, value)")
        connection.execute("CREATE TABLE posts_cache (id, text, date, channel)")
        connection.executemany("INSERT INTO posts_cache VALUES (:id, :text, :date, :channel)", [record, other])
    found = [
        read(tmp_path, f"{json.dumps(record)}\n\n{json.dumps(other)}\n", "lines.jsonl"),
        read(tmp_path, f"id,text,date,channel\n12,A tram.,{DAY},city\n13,A tram.,{DAY},city\n", "table.csv"),
        list(read_posts(tmp_path / "old.db")),
    ]
    for posts in found:
        assert [(one.channel, one.message["message_id"]) for one in posts if isinstance(one, OldPost)] == [
            ("city", "12"),
            ("city", "13"),
        ]


def test_what_cannot_be_a_post_is_named_with_its_place(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        {
            "version": 3,
            "posts": [
                {"id": 1, "text": "No date."},
                "a word",
                {"id": 2, "text": "  ", "date": DAY},
                {"id": 3, "text": "A tram.", "date": "yesterday"},
            ],
        },
    )
    assert [one.where for one in found if isinstance(one, Leftover)] == [
        "version",
        "posts[0]",
        "posts[1]",
        "posts[2]",
        "posts[3]",
    ]


def test_fields_without_a_place_are_named_and_flags_are_not_among_them(tmp_path: Path) -> None:
    record = {"id": 1, "text": "A tram.", "date": DAY, "views": 120, "embedding": [0.5], "sent": True}
    assert only_post(read(tmp_path, [record])).not_taken == ("views", "embedding")


def test_a_post_without_any_id_gets_the_same_one_each_time(tmp_path: Path) -> None:
    record = {"text": "A tram.", "date": DAY, "channel": "city"}
    first, second = only_post(read(tmp_path, [record])), only_post(read(tmp_path, [record, record])[1:])
    assert first.message["message_id"] == second.message["message_id"]


def test_a_link_tells_the_public_name_but_a_bare_word_does_not(tmp_path: Path) -> None:
    linked = {"id": 12, "text": "A tram.", "date": DAY, "channel": "The City", "url": "https://t.me/city/12"}
    bare = {"id": 12, "text": "A tram.", "date": DAY, "channel": "habr"}
    assert only_post(read(tmp_path, [linked])).username == "city"
    assert only_post(read(tmp_path, [bare])).username is None


@pytest.mark.parametrize(
    ("content", "name", "problem", "line"),
    [
        ('[{"id": 1},\n{"id": ]', "cache.json", "is not valid JSON", 2),
        ('{"id": 1, "text": "x"}\n{"id": 2\n', "cache.jsonl", "is not valid JSON", 2),
        ("", "cache.json", "is empty", 1),
        ("POSTS = [\n", "cache.py", "is not valid Python", 1),
        ("[posts\n", "cache.toml", "is not valid TOML", 1),
    ],
)
def test_a_broken_file_is_refused_with_its_line(
    tmp_path: Path, content: str, name: str, problem: str, line: int
) -> None:
    with pytest.raises(BrokenFile) as caught:
        read(tmp_path, content, name)
    assert problem in str(caught.value.params["problem"])
    assert caught.value.params["line"] == line


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "cache.pkl"
    path.write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(BrokenFile, match="would run whatever is in it"):
        list(read_posts(path))


def test_an_sqlite_file_of_several_unknown_tables_asks_which(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE archive (id, text, date)")
        connection.execute("INSERT INTO archive VALUES (1, 'A tram.', '2026-11-02')")
        connection.execute("CREATE TABLE settings (key, value)")
    with pytest.raises(BrokenFile, match="archive, settings: say which one with --table"):
        list(read_posts(path))
    assert len(list(read_posts(path, "archive"))) == 1


def test_a_folder_has_a_file_for_each_channel(tmp_path: Path) -> None:
    for channel in ("city", "habr"):
        (tmp_path / f"{channel}.json").write_text(json.dumps([{"id": 12, "text": "A tram.", "date": DAY}]))
    (tmp_path / "notes.md").write_text("not a cache")
    assert [one.channel for one in read_posts(tmp_path) if isinstance(one, OldPost)] == ["city", "habr"]
