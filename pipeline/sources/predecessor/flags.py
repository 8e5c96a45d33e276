"""Flags: which posts the old program had given, in a file of their own or as fields of its posts cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.sources.predecessor import names
from pipeline.sources.predecessor.tree import Leftover, files_of, load
from pipeline.sources.scalars import moment
from storage.records import PostReference

TABLES = ("flags", "sent_posts", "processed_posts", "posts_cache", "posts")
SENT = (
    "sent", "is_sent", "was_sent", "sent_posts", "sent_ids", "delivered", "is_delivered", "forwarded", "posted",
    "is_posted", "published", "is_published", "in_digest", "digested", "given",
)  # fmt: skip
PROCESSED = (
    "processed", "is_processed", "processed_ids", "processed_posts", "done", "handled", "used", "is_used", "seen",
    "flag", "status", "state",
)  # fmt: skip
TIMES = ("sent_at", "delivered_at", "given_at", "processed_at", "digest_date")
BOTS = ("bots", "bot", "bot_name", "bot_id", "bot_slug", "sent_to", "published_to", "sent_bots", "processed_by")
FLAG_KEYS = frozenset((*SENT, *PROCESSED, *TIMES, *BOTS))
WRAPPERS = {"flags", "posts", "posts_cache", "data", "items", "bots", "cache"}
YES = {"1", "true", "yes", "y", "sent", "done", "processed", "published", "posted", "delivered", "ok", "used"}
NO = {"", "0", "false", "no", "n", "none", "null", "new", "pending", "queued", "error", "failed", "skipped"}
UNCLEAR = "whether it was given cannot be told from its value"


@dataclass(frozen=True, slots=True)
class OldFlag:
    """A post that was given, to whom where it says so (else to all), and when."""

    where: str
    reference: PostReference
    bots: tuple[str, ...] = ()
    given_at: datetime | None = None


def read_flags(path: Path, table: str | None = None) -> Iterator[OldFlag | Leftover]:
    """Every post that a file says was given. Where posts are both "sent" and "processed", sent is what counts. Of a
    folder, every file is named after its public bot or its channel.

    Raises:
        BrokenFile: it cannot be read.
    """
    for file, place, stem in files_of(path):
        yield from _walk(load(file, (table,) if table else TABLES), place, (stem,) if stem else ())


def _walk(node: object, where: str, bots: tuple[str, ...]) -> Iterator[OldFlag | Leftover]:
    if isinstance(node, list):
        for number, one in enumerate(node):
            yield from _element(one, f"{where}[{number}]", bots)
    elif isinstance(node, dict) and _is_record(node):
        yield from _record(node, where or "the file", bots, None)
    elif isinstance(node, dict):
        for key, one in node.items():
            yield from _entry(str(key), one, f"{where}.{key}".lstrip("."), bots, set(map(str.casefold, map(str, node))))
    else:
        yield Leftover(where or "the file", "it names no posts")


def _element(one: object, where: str, bots: tuple[str, ...]) -> Iterator[OldFlag | Leftover]:
    """An element of a list: a record, or the id or the link of a post that was given."""
    if isinstance(one, dict | list):
        yield from _walk(one, where, bots)
    elif isinstance(one, str | int) and not isinstance(one, bool) and one != "":
        yield OldFlag(where, _reference(one), bots)
    else:
        yield Leftover(where, "it is no id and no link")


def _entry(
    key: str, value: object, where: str, bots: tuple[str, ...], beside: set[str]
) -> Iterator[OldFlag | Leftover]:
    """A member of an object: its key is a kind of flag, a wrapper, a post or a public bot."""
    folded = key.casefold()
    is_post = names.split_id(key)[1] is not None or key.startswith("http")
    if folded in PROCESSED and isinstance(value, dict | list) and beside & set(SENT):
        yield Leftover(where, "what was sent stands beside it, and only that counts as given")
    elif folded in (*SENT, *PROCESSED) and isinstance(value, dict | list):
        yield from _walk(value, where, bots)
    elif isinstance(value, dict) and is_post:
        yield from _of_post(key, value, where, bots)
    elif isinstance(value, list) and is_post:
        yield OldFlag(where, _reference(key), tuple(str(one) for one in value)) if value else Leftover(where, "no bots")
    elif isinstance(value, dict | list):
        yield from _walk(value, where, bots if folded in WRAPPERS else (key,))
    else:
        yield from _flag(_reference(key), value, where, bots)


def _of_post(key: str, value: Mapping[str, Any], where: str, bots: tuple[str, ...]) -> Iterator[OldFlag | Leftover]:
    """What is kept under a post's id: its record, or a flag for each public bot."""
    if _is_record(value) or FLAG_KEYS & {str(name).casefold() for name in value}:
        yield from _record(value, where, bots, key)
        return
    for bot, flag in value.items():
        yield from _flag(_reference(key), flag, f"{where}.{bot}", (str(bot),))


def _is_record(node: Mapping[str, Any]) -> bool:
    identity = names.first(node, names.ID) or names.first(node, names.URL)
    return isinstance(identity, str | int)


def _record(
    node: Mapping[str, Any], where: str, bots: tuple[str, ...], key: str | None
) -> Iterator[OldFlag | Leftover]:
    own = names.first(node, BOTS)
    if own is not None:
        bots = tuple(str(one) for one in (own if isinstance(own, list | tuple) else [own]))
    at = moment(names.first(node, TIMES))
    flags = {str(name).casefold(): value for name, value in node.items()}
    decisive = next((name for name in (*SENT, *PROCESSED) if name in flags and not _is_date(name, flags[name])), None)
    reference = _reference(names.first(node, names.ID) or key, node)
    if decisive is not None and isinstance(flags[decisive], dict):
        for bot, flag in flags[decisive].items():
            yield from _flag(reference, flag, f"{where}.{decisive}.{bot}", (str(bot),))
    elif decisive is not None and isinstance(flags[decisive], list):
        if flags[decisive]:
            yield OldFlag(where, reference, tuple(str(one) for one in flags[decisive]), at)
    elif decisive is not None:
        yield from _flag(reference, flags[decisive], where, bots, at)
    elif at is not None or own or not flags.keys() & set(names.TEXT):  # a post of the cache is no flag by itself
        yield OldFlag(where, reference, bots, at)


def _is_date(name: str, value: object) -> bool:
    """Whether "published" tells when a channel published it."""
    return name == "published" and _decided(value)[1] is not None


def _flag(
    reference: PostReference, value: object, where: str, bots: tuple[str, ...], at: datetime | None = None
) -> Iterator[OldFlag | Leftover]:
    is_given, when = _decided(value)
    if is_given is None:
        yield Leftover(where, UNCLEAR)
    elif is_given:
        yield OldFlag(where, reference, bots, at or when)


def _decided(value: object) -> tuple[bool | None, datetime | None]:
    """Whether a flag's value says yes, None where it says neither; a time says yes and when."""
    if value is None or isinstance(value, bool):
        return bool(value), None
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value), None
    if isinstance(value, str) and value.strip().casefold() in YES | NO:
        return value.strip().casefold() in YES, None
    if isinstance(value, int | float) and value < 100_000_000:  # a number of something, no time
        return None, None
    at = moment(value)
    return (True, at) if at is not None else (None, None)


def _reference(value: object, record: Mapping[str, Any] | None = None) -> PostReference:
    """What a flag says of its post."""
    record = record or {}
    channel, number = names.split_id(value)
    url = names.first(record, names.URL) or (value if isinstance(value, str) and "://" in value else None)
    text = names.first(record, names.TEXT)
    return PostReference(
        id=number or (str(value) if value is not None and "://" not in str(value) else None),
        channel=names.channel_name(names.first(record, names.CHANNEL)) or channel,
        url=url if isinstance(url, str) else None,
        text=text if isinstance(text, str) else None,
    )
