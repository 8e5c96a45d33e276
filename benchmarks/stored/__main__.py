"""Whether a desk is as quick after years as in its first days: python -m benchmarks.stored [--posts N]

Two databases, one with 10,000 posts and one with a million, each with all that the runs over them have left behind:
run_posts, work, model calls, kept answers, digests, deliveries. The last day is the same in both. A digest of that day
is planned, and what the bot, the workers and operators ask again and again is asked, on both in turns, on SQLite and on
PostgreSQL. Writes its section of docs/performance.md; with --quick, 100,000 posts on SQLite, to the screen alone.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from benchmarks.bench import DATABASES
from benchmarks.report import machine_facts, paragraph, publish
from benchmarks.stored.figures import Pair, as_table, pairs, targets
from benchmarks.stored.filling import fill
from benchmarks.stored.looks import look_once
from benchmarks.stored.size import POSTS_OF_A_RUN, Size
from pipeline.toolbox import Toolbox
from settings import HOME
from storage.database import Database, database_url
from storage.schema import migrate
from tests.servers.postgres_server import PostgresServer
from tests.support import make_tools

YOUNG = Size.of_posts(10_000)
REPEATS, WARM_UP = 40, 5
PACKAGES = ("SQLAlchemy", "psycopg")


@asynccontextmanager
async def open_desk(setting: str, size: Size) -> AsyncIterator[Toolbox]:
    url = database_url(setting, HOME)
    await migrate(url)
    database = Database(url)
    try:
        begun = time.monotonic()
        await fill(database, size)
        print(f"{size.posts:,} posts and {size.run_posts:,} run_posts: {time.monotonic() - begun:.0f} s", flush=True)
        yield make_tools(database)
    finally:
        await database.close()


async def measure(database: str, old: Size, repeats: int, folder: Path) -> list[Pair]:
    async with AsyncExitStack() as stack:
        settings = [f"sqlite:///{folder}/{name}.db" for name in ("young", "old")]
        if database == "PostgreSQL":
            server = PostgresServer()
            stack.callback(server.stop)
            settings = [server.create_database() for _ in settings]
        desks = [
            (await stack.enter_async_context(open_desk(setting, size)), size)
            for setting, size in zip(settings, (YOUNG, old), strict=True)
        ]
        found: tuple[list[Mapping[str, float]], ...] = ([], [])
        for _ in range(WARM_UP + repeats):
            for samples, (tools, size) in zip(found, desks, strict=True):
                samples.append(await look_once(tools, size.runs))
    return pairs(*(samples[WARM_UP:] for samples in found))


def section(found: Mapping[str, Sequence[Pair]], old: Size, repeats: int) -> str:
    """The section of docs/performance.md."""
    setting = (
        f"`python -m benchmarks.stored --posts {old.posts}` on {machine_facts(PACKAGES)}. The larger desk is "
        f"{old.days} days old: {old.posts:,} posts, {old.runs:,} runs with {old.run_posts:,} posts of theirs and as "
        f"many kept answers, {old.model_calls:,} pieces of work and model calls, {old.deliveries:,} deliveries; the "
        f"smaller one is {YOUNG.days} days old. Their last days are the same: {POSTS_OF_A_RUN} posts for a digest. "
        f"Medians of {repeats} looks, taken in turns. There is no /why yet; measured is what it will read, what became "
        f"of every post of a run."
    )
    parts = ["## A desk of many years", paragraph(setting)]
    for database, of_database in found.items():
        parts += [f"### {database}", as_table(of_database, YOUNG.posts, old.posts)]
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--repeats", type=int, default=REPEATS, metavar="N")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    parser.add_argument("--quick", action="store_true", help="100,000 posts on SQLite, written nowhere")
    options = parser.parse_args()
    databases = DATABASES if options.database == "both" else (options.database,)
    old = Size.of_posts(options.posts)
    if options.quick:
        databases, old = databases[:1], Size.of_posts(100_000)
    found: dict[str, list[Pair]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for database in databases:
            found[database] = asyncio.run(measure(database, old, options.repeats, Path(folder)))
    text, rows = section(found, old, options.repeats), tuple(targets(found, old.posts, YOUNG.posts))
    if not options.quick:
        publish("stored", text, rows)
    print(text)
    for row in rows:
        print(f"{row.measure}: {row.measured}, wanted {row.wanted}")


if __name__ == "__main__":
    main()
