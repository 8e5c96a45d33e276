"""Filling an empty database with the past of a desk, as fast as the storage takes it in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from sqlalchemy import text

from benchmarks.posts import many_posts
from benchmarks.stored.past import everything
from benchmarks.stored.size import BOTS, IN_A_DIGEST, POSTS_A_DAY, SOURCES, SOURCES_OF_A_BOT, Size
from storage import posts, public_bots, sources
from storage.database import Database
from storage.inserting import insert_ignoring
from storage.records import IncomingPost
from tests.support import NOON, make_spec

T = TypeVar("T")

TEXTS = 400
AT_ONCE = 1000


async def fill(database: Database, size: Size) -> None:
    """Its public bots, their posts, and what their runs have left behind."""
    texts = [post.text for post in many_posts(TEXTS, NOON)]
    for number, source_id in enumerate(await _open_desk(database)):
        for chunk in _chunks(_posts(number, size, texts)):
            async with database.write() as session:
                await posts.store(session, source_id, chunk, chunk[-1].published_at)
                if chunk[0].external_id == "0":
                    await posts.take_stock(session)
    for model, rows in everything(size):
        for some in _chunks(rows):
            async with database.write() as session:
                await insert_ignoring(session, model, some)
    if not database.is_sqlite:  # as its autovacuum does by itself after a while
        async with database.write() as session:
            await session.execute(text("ANALYZE"))


async def _open_desk(database: Database) -> Sequence[int]:
    """The ids of its sources; each public bot reads some of its own."""
    names = [f"source-{number}" for number in range(SOURCES)]
    async with database.write() as session:
        found = [await sources.ensure_file_source(session, name, now=NOON) for name in names]
        for bot in range(BOTS):
            its = tuple(names[bot * SOURCES_OF_A_BOT : (bot + 1) * SOURCES_OF_A_BOT])
            spec = make_spec(f"bot-{bot}", sources=its, max_posts_per_digest=IN_A_DIGEST, schedule="0 9 * * *")
            await public_bots.apply(session, spec, None, NOON)
    return [source.id for source in found]


def _posts(source: int, size: Size, texts: Sequence[str]) -> Iterator[IncomingPost]:
    """Oldest first, up to NOON; no text occurs twice."""
    number = size.days * POSTS_A_DAY
    for index in range(number):
        published_at = NOON - timedelta(days=1) * (number - index - 0.5) / POSTS_A_DAY
        own = f"{texts[(index * 7 + source) % TEXTS]}\n\n{source}/{index}"
        yield IncomingPost(str(index), published_at, own, url=f"https://t.me/c/{1000 + source}/{index}")


def _chunks(items: Iterable[T]) -> Iterator[Sequence[T]]:
    source = iter(items)
    while chunk := list(islice(source, AT_ONCE)):
        yield chunk
