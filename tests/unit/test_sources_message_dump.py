"""Lists of messages as scripts write them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.sources import LeftOut, Reading, Reason
from pipeline.sources.files import open_posts
from storage.records import IncomingPost

MESSAGE = {"message_id": 7, "text": "Текст", "date": "2024-12-04T10:00:00+03:00"}
AT = datetime(2024, 12, 4, 7, tzinfo=UTC)


def read(folder: Path, content: object) -> list[Reading]:
    path = folder / "dump.bin"
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return list(open_posts(path))


def only_post(folder: Path, **fields: object) -> IncomingPost:
    [post] = read(folder, [{**MESSAGE, **fields}])
    assert isinstance(post, IncomingPost)
    return post


def ids(readings: list[Reading]) -> list[str]:
    return [reading.external_id for reading in readings if isinstance(reading, IncomingPost)]


def test_a_message_of_telethon_becomes_a_post(tmp_path: Path) -> None:
    post = only_post(
        tmp_path,
        sender_id=-1001234567890,
        channel="Хабр",
        text="**Важно**: [сайт](https://a.example/x), https://b.example.",
        edit_date="2024-12-04T08:00:00Z",
        views=5000,
    )
    assert post == IncomingPost(
        external_id="7",
        published_at=AT,
        text="Важно: сайт, https://b.example.",
        url="https://t.me/c/1234567890/7",
        links=("https://a.example/x", "https://b.example"),
        edited_at=datetime(2024, 12, 4, 8, tzinfo=UTC),
        channel="1234567890",
        channel_title="Хабр",
    )


@pytest.mark.parametrize(
    "written",
    [
        "2024-12-04T07:00:00+00:00",
        "2024-12-04T07:00:00",
        "2024-12-04 07:00:00",
        "2024-12-04T07:00:00Z",
        1733295600,
        1733295600.0,
        "1733295600",
    ],
)
def test_times_as_scripts_write_them(tmp_path: Path, written: object) -> None:
    assert only_post(tmp_path, date=written).published_at == AT
    assert only_post(tmp_path, date=None, timestamp=written).published_at == AT


@pytest.mark.parametrize(
    ("written", "external_id"), [(7, "7"), ("7", "7"), (7.0, "7"), ("telegram-name-7", "telegram-name-7")]
)
def test_ids_as_scripts_write_them(tmp_path: Path, written: object, external_id: str) -> None:
    assert only_post(tmp_path, message_id=written).external_id == external_id
    assert only_post(tmp_path, message_id=None, id=written).external_id == external_id


def test_the_text_may_be_called_message(tmp_path: Path) -> None:
    assert only_post(tmp_path, text=None, message="Другой").text == "Другой"


@pytest.mark.parametrize(
    ("fields", "channel", "title", "url"),
    [
        ({}, None, None, None),
        ({"channel": "Хабр"}, "Хабр", "Хабр", None),
        ({"handle": "durov"}, "durov", "durov", "https://t.me/durov/7"),
        ({"channel": "@durov"}, "durov", "@durov", "https://t.me/durov/7"),
        ({"channel": "-1001234567890"}, "1234567890", None, "https://t.me/c/1234567890/7"),
        ({"chat_id": -1001234567890, "channel": "A"}, "1234567890", "A", "https://t.me/c/1234567890/7"),
        ({"sender_id": 555, "channel": "A"}, "A", "A", None),
        ({"handle": "durov", "url": "https://t.me/durov/9"}, "durov", "durov", "https://t.me/durov/9"),
        ({"url": "javascript:alert(1)"}, None, None, None),
    ],
)
def test_the_channel_and_the_address_of_a_message(
    tmp_path: Path, fields: dict[str, object], channel: str | None, title: str | None, url: str | None
) -> None:
    post = only_post(tmp_path, **fields)
    assert (post.channel, post.channel_title, post.url) == (channel, title, url)


def test_messages_written_with_to_dict_keep_their_signs(tmp_path: Path) -> None:
    post = only_post(
        tmp_path,
        _="Message",
        text=None,
        message="**x** и сайт",
        peer_id={"_": "PeerChannel", "channel_id": 1234567890},
        entities=[{"_": "MessageEntityTextUrl", "offset": 8, "length": 4, "url": "https://a.example"}, None],
    )
    assert (post.text, post.links) == ("**x** и сайт", ("https://a.example",))
    assert post.url == "https://t.me/c/1234567890/7"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"text": "a", "date": 1733295600}, Reason.WITHOUT_ID),
        ({**MESSAGE, "message_id": True}, Reason.WITHOUT_ID),
        ({**MESSAGE, "message_id": "x" * 500}, Reason.WITHOUT_ID),
        ({"id": 1, "text": "a"}, Reason.WITHOUT_DATE),
        ({**MESSAGE, "date": 1e30}, Reason.WITHOUT_DATE),
        ({**MESSAGE, "date": {"$date": 5}}, Reason.WITHOUT_DATE),
        ({**MESSAGE, "text": ""}, Reason.WITHOUT_TEXT),
        ({**MESSAGE, "text": 5}, Reason.WITHOUT_TEXT),
        ({**MESSAGE, "type": "service"}, Reason.SERVICE),
        ({**MESSAGE, "_": "MessageService"}, Reason.SERVICE),
        ("text", Reason.NOT_A_MESSAGE),
    ],
)
def test_what_is_no_post_is_left_out_with_its_reason(tmp_path: Path, message: object, reason: Reason) -> None:
    assert read(tmp_path, [MESSAGE, message])[1:] == [LeftOut(reason)]


def test_a_list_of_objects_that_are_no_messages_is_left_out_one_by_one(tmp_path: Path) -> None:
    assert read(tmp_path, [{"a": 1}, {"b": 2}]) == [LeftOut(Reason.WITHOUT_ID)] * 2


@pytest.mark.parametrize(
    "wrapped",
    [
        {"fetched_at": "2026-01-23T19:53:29", "post_count": 1, "posts": [MESSAGE]},
        {"messages": [MESSAGE]},
        {"type": "dump", "messages": [MESSAGE], "name": "x"},
        {"channels": [{"id": 5, "name": "A"}], "tags": ["a"], "nothing": [], "posts": [MESSAGE]},
        {"ok": True, "result": {"items": [MESSAGE]}},
        {"posts": [{**MESSAGE, "entities": [{"id": 1, "date": 5}]}]},
    ],
)
def test_a_list_is_found_in_the_object_around_it(tmp_path: Path, wrapped: dict[str, object]) -> None:
    assert ids(read(tmp_path, wrapped)) == ["7"]
    assert ids(read(tmp_path, json.dumps(wrapped, indent=2))) == ["7"]


@pytest.mark.parametrize("empty", [[], {"posts": []}, {"fetched_at": "2026-01-23", "posts": [], "count": 0}])
def test_a_list_without_messages_is_an_empty_file_of_posts(tmp_path: Path, empty: object) -> None:
    assert read(tmp_path, empty) == []


def test_json_lines(tmp_path: Path) -> None:
    lines = [{**MESSAGE, "message_id": number, "replies": [{"id": 1, "date": 2}]} for number in range(3)]
    written = "\n\n".join(json.dumps(line) for line in lines)
    assert ids(read(tmp_path, written)) == ["0", "1", "2"]
    assert ids(read(tmp_path, "\ufeff" + written + "\r\n")) == ["0", "1", "2"]


def test_one_line_is_json_lines_too(tmp_path: Path) -> None:
    assert ids(read(tmp_path, json.dumps(MESSAGE))) == ["7"]
