"""Lists of messages as scripts write them, most of them with Telethon: JSON, wrapped JSON and JSON Lines."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.sources import json_stream
from pipeline.sources.markdown import plain_text
from pipeline.sources.reading import LeftOut, Reading, Reason
from pipeline.sources.scalars import moment, whole
from pipeline.sources.telegram_export import MAX_TITLE, text_and_links
from pipeline.sources.visible_text import bare_links, visible_text, web_link, web_links
from storage.records import IncomingPost

ID_KEYS = ("message_id", "id")
DATE_KEYS = ("date", "timestamp")
TEXT_KEYS = ("text", "message")
CHANNEL_ID_KEYS = ("sender_id", "channel_id", "chat_id", "channel")
NAME_KEYS = ("channel", "handle", "channel_title")
MARKED_CHANNEL_ID = re.compile(r"-100(\d{5,15})")
HANDLE = re.compile(r"@?([A-Za-z]\w{3,31})", re.ASCII)
MAX_ID = 64


@dataclass(frozen=True, slots=True)
class Origin:
    """Of which channel a message is, as far as it says so. `id` is Telegram's bare channel id."""

    id: str | None
    title: str | None
    handle: str | None


def read_dump(path: Path, prefix: str) -> Iterator[Reading]:
    """The messages of the list under `prefix` (see `json_stream.items`)."""
    for message in json_stream.items(path, prefix):
        yield read_message(message)


def looks_like_message(fields: Container[str]) -> bool:
    """Whether an object with these keys may be a message; contacts and the like have an id and a date as well."""
    return all(any(key in fields for key in keys) for keys in (ID_KEYS, DATE_KEYS, (*TEXT_KEYS, "_")))


def read_message(message: object) -> Reading:
    if not isinstance(message, dict):
        return LeftOut(Reason.NOT_A_MESSAGE)
    if message.get("type") == "service" or message.get("_") == "MessageService":
        return LeftOut(Reason.SERVICE)
    external_id = _identity(_first(message, ID_KEYS))
    if external_id is None:
        return LeftOut(Reason.WITHOUT_ID)
    published_at = moment(_first(message, DATE_KEYS))
    if published_at is None:
        return LeftOut(Reason.WITHOUT_DATE)
    text, links = _text_and_links(message)
    if not text:
        return LeftOut(Reason.WITHOUT_TEXT)
    origin = _origin(message)
    return IncomingPost(
        external_id=external_id,
        published_at=published_at,
        text=text,
        url=web_link(message.get("url")) or _url(origin, external_id),
        links=links,
        edited_at=moment(message.get("edit_date")),
        channel=origin.id or origin.handle or origin.title,
        channel_title=origin.title,
    )


def _first(message: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((message[key] for key in keys if message.get(key) is not None), None)


def _identity(value: object) -> str | None:
    number = whole(value)
    if number is not None:
        return str(number)
    if not isinstance(value, str):
        return None
    identity = visible_text(value)
    return identity if 0 < len(identity) <= MAX_ID else None


def _text_and_links(message: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    content = _first(message, TEXT_KEYS)
    if not isinstance(content, str):
        return text_and_links(content)
    if "_" in message:  # Telethon's to_dict() keeps text and formatting apart
        addresses = _entity_addresses(message.get("entities"))
    else:
        content, addresses = plain_text(content)
    text = visible_text(content)
    return text, web_links([*addresses, *bare_links(text)])


def _entity_addresses(entities: object) -> list[str]:
    parts = entities if isinstance(entities, list) else []
    return [part["url"] for part in parts if isinstance(part, dict) and isinstance(part.get("url"), str)]


def _origin(message: Mapping[str, Any]) -> Origin:
    names = [name for key in NAME_KEYS if isinstance(raw := message.get(key), str) and (name := _name(raw))]
    handle = message.get("handle") or next((name for name in names if name.startswith("@")), None)
    matched = HANDLE.fullmatch(handle) if isinstance(handle, str) else None
    return Origin(_channel_id(message), names[0] if names else None, matched[1] if matched else None)


@lru_cache(maxsize=256)
def _name(raw: str) -> str | None:
    name = visible_text(raw)[:MAX_TITLE]
    return None if MARKED_CHANNEL_ID.fullmatch(name) else name or None


def _channel_id(message: Mapping[str, Any]) -> str | None:
    for key in CHANNEL_ID_KEYS:
        value = message.get(key)
        if value is not None and (marked := MARKED_CHANNEL_ID.fullmatch(str(whole(value)))):
            return marked[1]
    peer = message.get("peer_id")
    bare = whole(peer.get("channel_id")) if isinstance(peer, dict) else None
    return str(bare) if bare else None


def _url(origin: Origin, external_id: str) -> str | None:
    if not external_id.isdecimal():
        return None
    if origin.handle:
        return f"https://t.me/{origin.handle}/{external_id}"
    return f"https://t.me/c/{origin.id}/{external_id}" if origin.id else None
