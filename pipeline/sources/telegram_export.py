"""Telegram Desktop exports: `result.json` of one channel, or of a whole account, of which only channels are taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ijson

from pipeline.sources import json_stream
from pipeline.sources.json_stream import Event
from pipeline.sources.reading import BrokenFile, LeftOut, Reading, Reason
from pipeline.sources.scalars import moment, whole
from pipeline.sources.visible_text import visible_text, web_links, with_scheme
from storage.records import IncomingPost

CHANNEL_TYPES = frozenset({"public_channel", "private_channel"})
MAX_TITLE = 128  # characters, as Telegram has it
CHAT_LISTS = ("chats.list", "left_chats.list")
CHAT_PLACES = frozenset(f"{place}.item" for place in CHAT_LISTS)


@dataclass(frozen=True, slots=True)
class Channel:
    """`id` is Telegram's bare channel id, without the -100 of the Bot API."""

    id: int | None
    title: str | None


def channel_of(head: Mapping[str, object]) -> Channel:
    name = head.get("name")
    title = visible_text(name)[:MAX_TITLE] if isinstance(name, str) else None
    return Channel(whole(head.get("id")), title or None)


def read_channel(path: Path, channel: Channel) -> Iterator[Reading]:
    """The messages of the export of one channel."""
    for message in json_stream.items(path, "messages.item"):
        yield read_message(message, channel)


def read_account(path: Path) -> Iterator[Reading]:
    """The messages of an account's channels, those it has left included, and one `OTHER_CHAT` for each other chat."""
    with json_stream.events(path) as events:
        for prefix, event, _ in events:
            if event == "start_map" and prefix in CHAT_PLACES:
                yield from _read_chat(path, events, prefix)


def read_message(message: object, channel: Channel) -> Reading:
    """One message of an export. Its time is `date_unixtime`: `date` is the local time of whoever exported it."""
    if not isinstance(message, dict):
        return LeftOut(Reason.NOT_A_MESSAGE)
    if message.get("type") == "service":
        return LeftOut(Reason.SERVICE)
    number = whole(message.get("id"))
    if number is None:
        return LeftOut(Reason.WITHOUT_ID)
    published_at = moment(message.get("date_unixtime")) or moment(message.get("date"))
    if published_at is None:
        return LeftOut(Reason.WITHOUT_DATE)
    text, links = text_and_links(message.get("text"))
    if not text:
        return LeftOut(Reason.WITHOUT_TEXT)
    return IncomingPost(
        external_id=str(number),
        published_at=published_at,
        text=text,
        url=f"https://t.me/c/{channel.id}/{number}" if channel.id else None,
        links=links,
        edited_at=moment(message.get("edited_unixtime")) or moment(message.get("edited")),
        channel=str(channel.id) if channel.id else channel.title,
        channel_title=channel.title,
    )


def text_and_links(content: object) -> tuple[str, tuple[str, ...]]:
    """What a reader sees of a `text`, which is a string or a list of strings and entities, and the web links in it."""
    if isinstance(content, str):
        return visible_text(content), ()
    pieces: list[str] = []
    addresses: list[str] = []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, str):
            pieces.append(part)
        elif isinstance(part, dict) and isinstance(piece := part.get("text"), str):
            pieces.append(piece)
            if (address := _address(part, piece)) is not None:
                addresses.append(address)
    return visible_text("".join(pieces)), web_links(addresses) if addresses else ()


def _address(entity: Mapping[str, Any], piece: str) -> str | None:
    if isinstance(href := entity.get("href"), str):
        return href
    return with_scheme(piece) if entity.get("type") == "link" else None


def _read_chat(path: Path, events: Iterator[Event], place: str) -> Iterator[Reading]:
    """Go on until the chat that has just begun at `place` ends. Its head stands before its messages."""
    head: dict[str, object] = {}
    head_places = {f"{place}.{key}": key for key in ("name", "type", "id")}
    messages = f"{place}.messages"
    for prefix, event, value in events:
        if prefix in head_places:
            head[head_places[prefix]] = value
        elif prefix == messages and event == "start_array":
            if "type" not in head:
                raise BrokenFile(path.name, "has a chat whose type stands after its messages: export the account again")
            if head["type"] in CHANNEL_TYPES:
                channel = channel_of(head)
                its_events = iter(events.__next__, (messages, "end_array", None))
                for message in ijson.items(its_events, f"{messages}.item"):
                    yield read_message(message, channel)
        elif prefix == place and event == "end_map":
            break
    if head.get("type") not in CHANNEL_TYPES:
        yield LeftOut(Reason.OTHER_CHAT)
