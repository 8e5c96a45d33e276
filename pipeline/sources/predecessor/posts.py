"""The posts cache: a list of posts, an object by id, or an object by channel with either of them, however deep."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.sources.message_dump import read_message
from pipeline.sources.predecessor import names
from pipeline.sources.predecessor.flags import FLAG_KEYS
from pipeline.sources.predecessor.tree import Leftover, files_of, load
from pipeline.sources.reading import LeftOut
from pipeline.sources.scalars import whole
from pipeline.sources.visible_text import web_link

TABLES = ("posts_cache", "posts", "messages", "cache")
WRAPPERS = {
    "posts_cache",
    "posts",
    "messages",
    "cache",
    "items",
    "data",
    "entries",
    "channels",
    "sources",
    "by_channel",
}
TAKEN = frozenset((*names.ID, *names.DATE, *names.TEXT, *names.CHANNEL, *names.URL, *names.EDITED))
WITHOUT_CHANNEL = "old"
WHY = {
    "without_date": f"it has no date under {', '.join(names.DATE[:5])} … that can be read",
    "without_text": "nothing in its text can be seen",
    "service": "it is a service message",
}


@dataclass(frozen=True, slots=True)
class OldPost:
    """A post as `pipeline.sources.message_dump` reads it, of which channel it is, and the fields that are not taken."""

    where: str
    channel: str
    title: str | None
    username: str | None
    message: Mapping[str, Any]
    not_taken: tuple[str, ...]


def read_posts(path: Path, table: str | None = None) -> Iterator[OldPost | Leftover]:
    """Everything in a posts cache, in its order; of a folder, every file is named after its channel.

    Raises:
        BrokenFile: it cannot be read.
    """
    for file, place, stem in files_of(path):
        yield from _walk(load(file, (table,) if table else TABLES), place, stem, None)


def _walk(node: object, where: str, channel: object, key: str | None) -> Iterator[OldPost | Leftover]:
    """`channel` and `key` are what the way to this node says of its channel and its id."""
    if isinstance(node, list):
        for number, one in enumerate(node):
            yield from _walk(one, f"{where}[{number}]", channel, None)
    elif not isinstance(node, dict):
        yield Leftover(where or "the file", "it is no post")
    elif _is_post(node):
        yield _post(node, where or "the file", channel, key)
    else:
        for name, one in node.items():
            place = f"{where}.{name}".lstrip(".")
            if not isinstance(one, dict | list):
                yield Leftover(place, "it is no post")
            elif isinstance(one, dict) and _is_post(one):
                yield from _walk(one, place, channel, str(name))
            else:
                yield from _walk(one, place, channel if str(name).casefold() in WRAPPERS else name, None)


def _is_post(node: Mapping[str, Any]) -> bool:
    text = names.first(node, names.TEXT)
    if isinstance(text, str) or _are_pieces(text):
        return True
    return names.first(node, names.ID) is not None and names.first(node, names.DATE) is not None


def _are_pieces(text: object) -> bool:
    """A text of Telegram Desktop: strings and entities."""
    return isinstance(text, list) and all(
        isinstance(one, str) or (isinstance(one, dict) and "type" in one) for one in text
    )


def _post(node: Mapping[str, Any], where: str, hint: object, key: str | None) -> OldPost | Leftover:
    url = web_link(names.first(node, names.URL))
    address = names.telegram_address(url)
    raw = names.first(node, names.CHANNEL)
    known = raw if raw is not None else hint
    channel = names.channel_name(known) or _said_elsewhere(node, key, address) or WITHOUT_CHANNEL
    message = {
        "message_id": _identity(node, key, address),
        "date": names.first(node, names.DATE),
        "text": names.first(node, names.TEXT),
        "url": url,
        "edit_date": names.first(node, names.EDITED),
    }
    reading = read_message({name: value for name, value in message.items() if value is not None})
    if isinstance(reading, LeftOut):
        return Leftover(where, WHY.get(reading.reason, "it cannot be read"))
    username = names.handle_of(known) or (address[0] if address and not address[0].isdecimal() else None)
    not_taken = tuple(name for name in map(str, node) if name.casefold() not in TAKEN | FLAG_KEYS)
    return OldPost(where, channel, names.channel_title(known), username, message, not_taken)


def _said_elsewhere(node: Mapping[str, Any], key: str | None, address: tuple[str, str | None] | None) -> str | None:
    """The channel in a link, or in an id such as "channel:12"."""
    in_ids = (names.split_id(one)[0] for one in (names.first(node, names.ID), key))
    return names.channel_name(address[0]) if address else next(filter(None, in_ids), None)


def _identity(node: Mapping[str, Any], key: str | None, address: tuple[str, str | None] | None) -> str:
    """Its id, else the number in its link, else the key it is kept under, else one that is made of its text."""
    own = names.first(node, names.ID)
    number = whole(own)
    if number is not None:
        return str(number)
    if isinstance(own, str) and own:
        return names.split_id(own)[1] or own
    if address and address[1]:
        return address[1]
    if key:
        return names.split_id(key)[1] or key
    return "text-" + hashlib.blake2b(str(names.first(node, names.TEXT)).encode(), digest_size=8).hexdigest()
