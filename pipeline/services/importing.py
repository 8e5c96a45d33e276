"""Import a file of posts: all of it is read before the first post is stored, so that a broken file stores nothing."""

from __future__ import annotations

import asyncio
import pickle
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from pipeline.sources import LeftOut, Reason
from pipeline.sources.files import open_posts
from storage import posts as stored_posts
from storage import sources
from storage.database import Database
from storage.posts import Stored
from storage.records import IncomingPost, Source

CHUNK = 1024  # posts in one transaction; a power of two is entered by one statement
FIELDS = attrgetter(*(one.name for one in fields(IncomingPost)))
PROGRESS_EVERY = 5000  # messages


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of everything in a file: read = new + updated + unchanged + without_text + all of `skipped`.

    `left_out_chats` are the chats of a whole account that are not channels; their messages are not counted as read.
    """

    read: int
    new: int
    updated: int
    unchanged: int
    without_text: int
    skipped: Mapping[Reason, int]
    left_out_chats: int


@dataclass
class _Contents:
    """What was found in a file; the posts themselves are in the spool."""

    posts: int = 0
    left_out: Counter[Reason] = field(default_factory=Counter)
    first_channel: str | None = None

    @property
    def read(self) -> int:
        return self.posts + self.left_out.total() - self.left_out[Reason.OTHER_CHAT]


async def import_file(
    path: Path,
    source_name: str,
    *,
    database: Database,
    now: Callable[[], datetime],
    title: str | None = None,
    username: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Store the posts of a file, or of a Telegram Desktop folder, under the source of that name, made if need be.

    Importing again, or an overlapping file, adds nothing twice. `progress` is called on the event loop with the number
    of messages read so far, before anything is stored. `username` is the public name of the source's own channel.

    Raises:
        BrokenFile: the file cannot be imported; nothing of it was stored, not even the source.
    """
    with TemporaryFile() as spool:
        contents = await asyncio.to_thread(_read, path, spool, _on_this_loop(progress))
        async with database.write() as session:
            source = await sources.ensure_file_source(
                session,
                source_name,
                title=title,
                username=username.removeprefix("@") if username else None,
                home_channel=contents.first_channel,
                now=now(),
            )
        total = Stored()
        for number, chunk in enumerate(_chunks(spool)):
            total = _sum(total, await _store(database, source, chunk, now()))
            if number == 0 and len(chunk) == CHUNK:
                async with database.write() as session:
                    await stored_posts.take_stock(session)
    left_out = contents.left_out
    return ImportReport(
        read=contents.read,
        new=total.new,
        updated=total.updated,
        unchanged=total.unchanged,
        without_text=left_out[Reason.WITHOUT_TEXT],
        skipped={
            reason: left_out[reason] for reason in sorted(left_out.keys() - {Reason.WITHOUT_TEXT, Reason.OTHER_CHAT})
        },
        left_out_chats=left_out[Reason.OTHER_CHAT],
    )


def _read(path: Path, spool: BinaryIO, progress: Callable[[int], None]) -> _Contents:
    """Put the posts of a file into the spool, in chunks. Runs in a thread; needs the memory of one chunk."""
    contents = _Contents()
    chunk: list[tuple[object, ...]] = []  # a frozen record takes four times as long to read back as its fields
    for reading in open_posts(path):
        if isinstance(reading, LeftOut):
            contents.left_out[reading.reason] += 1
        else:
            contents.posts += 1
            contents.first_channel = contents.first_channel or reading.channel
            chunk.append(FIELDS(reading))
            if len(chunk) == CHUNK:
                pickle.dump(chunk, spool, pickle.HIGHEST_PROTOCOL)
                chunk.clear()
        if contents.read % PROGRESS_EVERY == 0:
            progress(contents.read)
    pickle.dump(chunk, spool, pickle.HIGHEST_PROTOCOL)
    progress(contents.read)
    return contents


def _chunks(spool: BinaryIO) -> Iterator[Sequence[IncomingPost]]:
    end = spool.tell()
    spool.seek(0)
    while spool.tell() < end:
        written = pickle.load(spool)  # noqa: S301 - by this process a moment ago, into a file without a name
        yield [IncomingPost(*values) for values in written]


async def _store(database: Database, source: Source, chunk: Sequence[IncomingPost], now: datetime) -> Stored:
    total = Stored()
    async with database.write() as session:
        for layer in _layers([_of_source(post, source) for post in chunk]):
            total = _sum(total, await stored_posts.store(session, source.id, layer, now))
    return total


def _layers(posts: Sequence[IncomingPost]) -> Sequence[Sequence[IncomingPost]]:
    """The posts in groups that hold no external id twice: what comes later in the file is in a later group."""
    layers: list[list[IncomingPost]] = []
    occurrences: Counter[str] = Counter()
    for post in posts:
        layer = occurrences[post.external_id]
        occurrences[post.external_id] += 1
        if layer == len(layers):
            layers.append([])
        layers[layer].append(post)
    return layers


def _of_source(post: IncomingPost, source: Source) -> IncomingPost:
    """The post as this source knows it: ids of other channels than its own carry the channel, so that none collide."""
    if post.channel is not None and post.channel != source.home_channel:
        return replace(post, external_id=f"{post.channel}/{post.external_id}")
    if source.username and post.external_id.isdecimal() and (post.url is None or "//t.me/c/" in post.url):
        return replace(post, url=f"https://t.me/{source.username}/{post.external_id}")
    return post


def _sum(one: Stored, other: Stored) -> Stored:
    return Stored(one.new + other.new, one.updated + other.updated, one.unchanged + other.unchanged)


def _on_this_loop(progress: Callable[[int], None] | None) -> Callable[[int], None]:
    loop = asyncio.get_running_loop()

    def tell(read: int) -> None:
        if progress is not None:
            loop.call_soon_threadsafe(progress, read)

    return tell
