"""The keys under which other programs keep the same thing, and one spelling for channels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline.sources.scalars import whole
from pipeline.sources.visible_text import visible_text

ID = ("message_id", "id", "post_id", "msg_id", "external_id", "tg_id", "telegram_id")
DATE = (
    "date_unixtime", "date", "timestamp", "published_at", "posted_at", "pub_date", "published", "created_at",
    "datetime", "time", "ts", "fetched_at",
)  # fmt: skip
TEXT = ("text", "message", "content", "body", "full_text", "raw_text", "caption")
CHANNEL = (
    "channel", "source", "chat", "channel_username", "username", "handle", "channel_name", "source_name",
    "channel_title", "chat_title", "feed", "channel_id", "chat_id", "source_id", "sender_id",
)  # fmt: skip
URL = ("url", "link", "permalink", "href", "post_url", "source_url")
EDITED = ("edit_date", "edited_unixtime", "edited_at", "edited")

TELEGRAM = re.compile(
    r"(?:https?://)?(?:www\.)?(?:t\.me|telegram\.me)/(?:s/)?(?P<channel>c/\d+|@?\w{4,32})(?:/(?P<id>\d+))?/?(?:[?#].*)?",
    re.ASCII | re.IGNORECASE,
)
MARKED_ID = re.compile(r"-100(\d{5,15})")
KEY = re.compile(r"(?P<channel>[^:/#|]{1,64})[:/#|](?P<id>\d{1,19})")
SPACES = re.compile(r"\s+")


def first(record: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    """The value of the first of these keys that has one; case does not count."""
    folded = {str(key).casefold(): value for key, value in record.items()}
    return next((folded[key] for key in keys if folded.get(key) not in (None, "")), None)


def telegram_address(address: object) -> tuple[str, str | None] | None:
    """The channel and the message's number in a t.me link; a private channel is its bare id."""
    matched = TELEGRAM.fullmatch(address.strip()) if isinstance(address, str) else None
    if matched is None:
        return None
    return matched["channel"].removeprefix("c/").removeprefix("@"), matched["id"]


def handle_of(value: object) -> str | None:
    """The public name in "@name" or a t.me link; a bare word may be the name of anything."""
    if isinstance(value, Mapping):
        value = f"@{value['username']}" if value.get("username") else value.get("url")
    if isinstance(value, str) and re.fullmatch(r"@[A-Za-z]\w{3,31}", value.strip(), re.ASCII):
        return value.strip()[1:]
    address = telegram_address(value)
    return address[0] if address and not address[0].isdecimal() else None


def channel_title(value: object) -> str | None:
    """A channel's name for people, from a string or an object; None where there is only a number or an address."""
    if isinstance(value, Mapping):
        value = next((value[key] for key in ("title", "name", "username") if value.get(key)), None)
    if not isinstance(value, str) or telegram_address(value) or MARKED_ID.fullmatch(value.strip()):
        return None
    return visible_text(value).removeprefix("@")[:128] or None


def channel_name(value: object) -> str | None:
    """One spelling of a channel, fit for the name of a source: @Name, t.me/s/Name and Name are all "name"."""
    if isinstance(value, Mapping):
        keys = ("username", "handle", "name", "title", "id", "url")
        value = next((value[key] for key in keys if value.get(key)), None)
    number = whole(value)
    if number is not None:
        marked = MARKED_ID.fullmatch(str(number))
        return marked[1] if marked else str(abs(number))
    if not isinstance(value, str):
        return None
    address = telegram_address(value)
    name = address[0] if address else visible_text(value).removeprefix("@")
    return SPACES.sub("-", name.casefold())[:100] or None


def split_id(value: object) -> tuple[str | None, str | None]:
    """The channel and the id in 12, "12", "channel:12", "channel/12" or a t.me link; None for what is not said."""
    number = whole(value)
    if number is not None:
        return None, str(number)
    address = telegram_address(value)
    if address and address[1]:
        return channel_name(address[0]), address[1]
    matched = KEY.fullmatch(value.strip()) if isinstance(value, str) else None
    return (channel_name(matched["channel"]), matched["id"]) if matched else (None, None)
