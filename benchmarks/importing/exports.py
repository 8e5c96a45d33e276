"""Exports to measure with, of any size: messages of a news channel, every second one without text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

SENTENCE = "Город открыл новую линию трамвая, первые поезда прошли по ней утром. "
ENTITIES = [
    {"type": "bold", "text": "Главное. "},
    SENTENCE * 3,
    {"type": "custom_emoji", "text": "📹", "document_id": "stickers/sticker (7).webp"},
    {"type": "text_link", "text": "Подробно", "href": "https://news.example/tram"},
]
START = 1_700_000_000
KINDS = ("channel", "account", "dump")


def _export_message(number: int) -> dict[str, object]:
    """Every second one without text, as in a channel with albums."""
    return {
        "id": number,
        "type": "message",
        "date": "2023-11-14T22:13:20",
        "date_unixtime": str(START + number),
        "edited_unixtime": str(START + number + 60),
        "from": "Канал",
        "from_id": "channel1234567890",
        "photo": "(File not included. Change data exporting settings to download.)",
        "width": 1280,
        "height": 720,
        "text": ENTITIES if number % 2 else "",
        "text_entities": [{"type": "plain", "text": part} if isinstance(part, str) else part for part in ENTITIES],
        "reactions": [{"type": "emoji", "count": 5, "emoji": "👍"}],
    }


def _dump_message(number: int) -> dict[str, object]:
    return {
        "message_id": number,
        "sender_id": -1001234567890,
        "text": f"**Главное.** {SENTENCE * 3}\n\n[Подробно](https://news.example/tram) __{number}__",
        "date": "2023-11-14T22:13:20+00:00",
        "channel": "Канал",
    }


def _write(file: TextIO, head: str, message: Callable[[int], dict[str, object]], tail: str, megabytes: int) -> None:
    file.write(head)
    number = 0
    while file.buffer.tell() < megabytes * 1_000_000:
        number += 1
        file.write((",\n" if number > 1 else "") + json.dumps(message(number), ensure_ascii=False, indent=1))
    file.write(tail)


def write_export(kind: str, path: Path, megabytes: int) -> Path:
    """An export of this kind and size, in the form in which Telegram Desktop or a script writes it."""
    channel = '{"name": "Канал", "type": "public_channel", "id": 1234567890, "messages": [\n'
    kinds = {
        "channel": (channel, _export_message, "]}"),
        "account": ('{"about": "", "chats": {"about": "", "list": [' + channel, _export_message, "]}]}}"),
        "dump": ("[\n", _dump_message, "]"),
    }
    head, message, tail = kinds[kind]
    with path.open("w", encoding="utf-8") as file:
        _write(file, head, message, tail, megabytes)
    return path
