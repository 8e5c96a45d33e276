"""Exports of Telegram Desktop, in small samples of every oddity."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.sources import BrokenFile, LeftOut, Reading, Reason
from pipeline.sources.files import open_posts
from storage.records import IncomingPost

MESSAGE = {
    "id": 7,
    "type": "message",
    "date": "2026-01-02T06:04:05",
    "date_unixtime": "1767323045",
    "from": "Новости",
    "text": "Текст",
    "text_entities": [],
}


def read(folder: Path, content: object) -> list[Reading]:
    path = folder / "anything.txt"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return list(open_posts(path))


def channel(*messages: object, **head: object) -> dict[str, Any]:
    return {"name": "Новости", "type": "public_channel", "id": 12345, **head, "messages": list(messages)}


def only_post(folder: Path, **changes: object) -> IncomingPost:
    [post] = read(folder, channel({**MESSAGE, **changes}))
    assert isinstance(post, IncomingPost)
    return post


def test_a_message_becomes_a_post(tmp_path: Path) -> None:
    assert only_post(tmp_path, edited="2026-01-02T06:10:00", edited_unixtime="1767323400") == IncomingPost(
        external_id="7",
        published_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        text="Текст",
        url="https://t.me/c/12345/7",
        edited_at=datetime(2026, 1, 2, 3, 10, tzinfo=UTC),
        channel="12345",
        channel_title="Новости",
    )


def test_the_local_date_is_believed_only_where_there_is_no_other(tmp_path: Path) -> None:
    assert only_post(tmp_path, date_unixtime=None).published_at == datetime(2026, 1, 2, 6, 4, 5, tzinfo=UTC)
    assert only_post(tmp_path, date="broken").published_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_text_in_pieces_is_joined_and_its_links_are_collected(tmp_path: Path) -> None:
    pieces = [
        "Начало ",
        {"type": "bold", "text": "жирно"},
        " и ",
        {"type": "text_link", "text": "сайт", "href": "https://a.example/x"},
        " ",
        {"type": "custom_emoji", "text": "📹", "document_id": "stickers/s (7).webp"},
        {"type": "link", "text": "https://b.example"},
        " ",
        {"type": "link", "text": "t.me/name"},
        {"type": "text_link", "text": "!", "href": "tg://resolve?domain=x"},
        {"type": "text_link", "text": "?", "href": "https://a.example/x"},
    ]
    post = only_post(tmp_path, text=pieces)
    assert post.text == "Начало жирно и сайт 📹https://b.example t.me/name!?"
    assert post.links == ("https://a.example/x", "https://b.example", "https://t.me/name")


def test_an_export_keeps_signs_that_look_like_markdown(tmp_path: Path) -> None:
    assert only_post(tmp_path, text="**x** [a](https://b.example)").text == "**x** [a](https://b.example)"


def test_of_an_album_only_the_member_with_the_caption_is_a_post(tmp_path: Path) -> None:
    album = [{**MESSAGE, "id": number, "photo": "p.jpg", "text": ""} for number in (1, 2, 3)]
    album[1]["text"] = [{"type": "plain", "text": "Подпись"}]
    first, second, third = read(tmp_path, channel(*album))
    assert first == third == LeftOut(Reason.WITHOUT_TEXT)
    assert isinstance(second, IncomingPost)
    assert (second.external_id, second.text) == ("2", "Подпись")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({**MESSAGE, "type": "service", "action": "pin_message"}, Reason.SERVICE),
        ({**MESSAGE, "id": None}, Reason.WITHOUT_ID),
        ({**MESSAGE, "date": "yesterday", "date_unixtime": "99999999999999"}, Reason.WITHOUT_DATE),
        ({**MESSAGE, "text": [" ", {"type": "custom_emoji"}, 5, None]}, Reason.WITHOUT_TEXT),
        ({**MESSAGE, "text": None}, Reason.WITHOUT_TEXT),
        (5, Reason.NOT_A_MESSAGE),
        (None, Reason.NOT_A_MESSAGE),
    ],
)
def test_what_is_no_post_is_left_out_with_its_reason(tmp_path: Path, message: object, reason: Reason) -> None:
    good = {**MESSAGE, "id": 8}
    left_out, post = read(tmp_path, channel(message, good))
    assert left_out == LeftOut(reason)
    assert isinstance(post, IncomingPost)


def test_escapes_that_json_does_not_have_are_understood(tmp_path: Path) -> None:
    padding = " " * (64 * 1024 - 200)  # the escapes lie across the border of two reads
    written = json.dumps(channel({**MESSAGE, "text": "@"})).replace("@", r"a\x0bb\\x41" * 100)
    [post] = read(tmp_path, padding + written)
    assert isinstance(post, IncomingPost)
    assert post.text == r"ab\x41" * 100


def test_keys_in_another_order_are_an_export_too(tmp_path: Path) -> None:
    [post] = read(tmp_path, json.dumps(channel(MESSAGE), sort_keys=True))
    assert isinstance(post, IncomingPost)
    assert (post.channel, post.channel_title) == ("12345", "Новости")


def test_of_an_account_only_the_channels_are_taken(tmp_path: Path) -> None:
    secret = {**MESSAGE, "text": "личное", "messages": [{"id": 1}], "name": "x", "type": "message"}
    account = {
        "about": "Here is the data you requested.",
        "personal_information": {"first_name": "A", "id": 1},
        "contacts": {"list": [{"date": "2020-01-01T00:00:00", "id": 5}]},
        "chats": {
            "about": "This page lists all chats.",
            "list": [
                {"name": "Друг", "type": "personal_chat", "id": 1, "messages": [secret, secret]},
                channel(MESSAGE, {**MESSAGE, "id": 8, "type": "service"}),
                {"type": "saved_messages", "id": 2, "messages": [secret]},
                channel({**MESSAGE, "id": 9}, id=777, name="Закрытый", type="private_channel"),
                channel(id=888),
                {"name": "Группа", "type": "public_supergroup", "id": 3, "messages": [secret]},
                {"name": "Пусто", "type": "bot_chat", "id": 4},
            ],
        },
        "left_chats": {"about": "", "list": [channel({**MESSAGE, "id": 1}, id=999), {"type": "private_group"}]},
    }
    readings = read(tmp_path, account)
    posts = [reading for reading in readings if isinstance(reading, IncomingPost)]
    assert [(post.channel, post.external_id) for post in posts] == [("12345", "7"), ("777", "9"), ("999", "1")]
    assert posts[1].url == "https://t.me/c/777/9"
    assert readings.count(LeftOut(Reason.OTHER_CHAT)) == 5
    assert readings.count(LeftOut(Reason.SERVICE)) == 1
    assert len(readings) == 9


def test_the_export_of_a_private_chat_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match="export of a personal chat"):
        read(tmp_path, channel(MESSAGE, type="personal_chat"))


def test_a_channel_without_messages_is_an_empty_file_of_posts(tmp_path: Path) -> None:
    assert read(tmp_path, channel()) == []
