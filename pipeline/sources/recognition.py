"""Tells the formats of files apart by what is in them; names and endings do not count."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pipeline.sources import json_stream
from pipeline.sources.message_dump import looks_like_message
from pipeline.sources.reading import BrokenFile
from pipeline.sources.telegram_export import CHANNEL_TYPES, CHAT_LISTS, Channel, channel_of

HEAD = 4096  # bytes read at a time: what decides stands near the beginning
MAX_FIRST_LINE = 4 * 1024 * 1024
MAX_PLACE = 1000  # characters of ijson's prefix: no export is nested that deeply
# As Telegram Desktop's export_output_json.cpp writes them.
CHAT_TYPES = CHANNEL_TYPES | {
    "saved_messages", "personal_chat", "bot_chat", "replies", "verification_codes",
    "private_group", "private_supergroup", "public_supergroup",
}  # fmt: skip
UNKNOWN = "has no messages in a form this program knows: it takes Telegram Desktop's JSON and lists of messages"
HTML = "is a web page: export the channel again and choose “Machine-readable JSON” as the format"


@dataclass(frozen=True, slots=True)
class ChannelExport:
    channel: Channel


@dataclass(frozen=True, slots=True)
class AccountExport:
    pass


@dataclass(frozen=True, slots=True)
class MessageList:
    """`prefix` is where its messages are, as ijson names places; empty for JSON Lines."""

    prefix: str


Format = ChannelExport | AccountExport | MessageList


def recognize(path: Path) -> Format:
    """The format of a file.

    Raises:
        BrokenFile: the file cannot be read, is not JSON as far as it was read, or holds no messages.
    """
    first = _first_bytes(path)
    if first.startswith(b"["):
        return _recognized_list(path)
    if first.startswith(b"{"):
        return MessageList("") if _is_json_lines(path) else _recognized_object(path)
    if not first:
        raise BrokenFile(path.name, "is empty")
    raise BrokenFile(path.name, HTML if first.startswith(b"<") else "is not JSON")


def _first_bytes(path: Path) -> bytes:
    with json_stream.opened(path) as file:
        while data := file.read(HEAD):
            if data := data.lstrip():
                return data
    return b""


def _is_json_lines(path: Path) -> bool:
    """Whether the first line is a whole object and another begins behind it."""
    with json_stream.opened(path) as file:
        head = file.read(json_stream.CHUNK).lstrip()
        while b"\n" not in head and len(head) < MAX_FIRST_LINE and (more := file.read(json_stream.CHUNK)):
            head += more
        first, _, rest = head.partition(b"\n")
        while not rest.strip() and (more := file.read(HEAD)):
            rest = more
    if not rest.lstrip().startswith(b"{"):
        return False
    try:
        return isinstance(json.loads(first), dict)
    except ValueError:
        return False


def _recognized_list(path: Path) -> Format:
    with json_stream.events(path, HEAD) as events:
        next(events)
        _, event, _ = next(events)
    if event in ("start_map", "end_array"):
        return MessageList("item")
    raise BrokenFile(path.name, UNKNOWN)


def _recognized_object(path: Path) -> Format:
    shape = _Shape(path)
    with json_stream.events(path, HEAD) as events:
        return next(found for event in events if (found := shape.meet(*event)))


class _Shape:
    """What is known of an object after some of its events, and what follows from it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fields: dict[str, object] = {}  # the object's own strings and numbers
        self._first_keys: dict[str, set[str]] = {}  # of each list in it, the keys of the first object
        self._first_ended: set[str] = set()
        self._newest_list: str | None = None  # a list of which nothing was seen but its beginning
        self._empty_list: str | None = None
        self._list_of_messages: str | None = None

    def meet(self, prefix: str, event: str, value: object) -> Format | None:
        """The format, as soon as it is certain.

        Raises:
            BrokenFile: it is certain that it is none that can be imported.
        """
        if len(prefix) > MAX_PLACE:
            raise BrokenFile(self._path.name, UNKNOWN)
        if event == "end_map" and not prefix:
            return self.verdict()
        if event == "end_array" and prefix == self._newest_list:
            self._empty_list = prefix
        self._newest_list = None
        place = prefix.removesuffix(".item")
        if event in ("string", "number") and "." not in prefix:
            self._fields[prefix] = value
        elif event == "start_array" and ".item." not in f"{prefix}.":
            return self._meet_list(prefix)
        elif event == "map_key" and place in self._first_keys and place not in self._first_ended:
            self._first_keys[place].add(str(value))
        elif event == "end_map" and place in self._first_keys and place not in self._first_ended:
            return self._meet_end_of_first_object(place)
        return None

    def verdict(self) -> Format:
        """The format of an object that was seen to its end.

        Raises:
            BrokenFile: it is none that can be imported.
        """
        if "messages" in self._first_keys and self._fields.get("type") in CHAT_TYPES:
            return self._export()
        if self._list_of_messages is not None:
            return MessageList(f"{self._list_of_messages}.item")
        if looks_like_message(self._fields):
            return MessageList("")
        if self._empty_list is not None:
            return MessageList(f"{self._empty_list}.item")
        raise BrokenFile(self._path.name, UNKNOWN)

    def _meet_list(self, place: str) -> Format | None:
        self._first_keys[place] = set()
        self._newest_list = place
        if place in CHAT_LISTS:
            return AccountExport()
        has_head = self._fields.keys() >= {"name", "type", "id"} and self._fields["type"] in CHAT_TYPES
        return self._export() if place == "messages" and has_head else None

    def _meet_end_of_first_object(self, place: str) -> Format | None:
        self._first_ended.add(place)
        if not looks_like_message(self._first_keys[place]):
            return None
        self._list_of_messages = self._list_of_messages or place
        # An export whose keys were sorted names its type behind its messages: look on.
        return None if place == "messages" else MessageList(f"{place}.item")

    def _export(self) -> ChannelExport:
        kind = str(self._fields["type"])
        if kind not in CHANNEL_TYPES:
            raise BrokenFile(self._path.name, f"is the export of a {kind.replace('_', ' ')}, not of a channel")
        return ChannelExport(channel_of(self._fields))
