"""An hour with a fault a minute: python -m benchmarks.soak [--minutes 60] [--seed N] [--database sqlite|postgresql]

A whole installation as real processes: two workers, the bot, Redis; a model that is slow and slips now and then; three
public bots with readers, channels in which posts keep coming, digests ordered and scheduled again and again. Each
minute something breaks. In the end everything must be accounted for: exit code 1 where a promise is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from benchmarks.soak.books import queued, read_books
from benchmarks.soak.faults import Troublemaker, drawn
from benchmarks.soak.newsroom import Newsroom
from benchmarks.soak.observer import MEBIBYTE, Observer
from benchmarks.soak.promises import Ending, Promise, promises
from benchmarks.soak.report import Length, soak_facts, write_report
from benchmarks.soak.site import WORKERS, Site, open_site
from tests.faults.ledger import ENDED
from tests.servers.postgres_server import PostgresServer

A_MINUTE_S = 60.0
BEFORE_THE_FIRST_FAULT_S = 20.0
LOOK_EVERY_S = 5.0
ALL_ENDS_WITHIN_S = 600.0
LAST_POSTS = 12


async def soak(length: Length, folder: Path, database_setting: str | None) -> tuple[str, list[Promise]]:
    """The report, and what was promised."""
    async with open_site(folder, database_setting, length.seed) as site:
        newsroom = Newsroom(site, random.Random(length.seed))
        observer, troublemaker = Observer(site), Troublemaker(site)
        for name in (*WORKERS, "bot"):
            site.start(name)
        background = [asyncio.create_task(observer.watch()), asyncio.create_task(_keep_accounts(site))]
        newsroom.open()
        await asyncio.sleep(BEFORE_THE_FIRST_FAULT_S)
        await _make_trouble(length, site, troublemaker, newsroom, observer)
        await newsroom.close()
        await site.end_schedules()
        await _all_ended(site)
        last_runs = await _last_digests(site, newsroom)
        await _silence(site)
        await newsroom.go_home()
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        books = await read_books(site)
        ending = await _end(site, last_runs)
        kept = promises(site, books, newsroom, observer, troublemaker.journal, ending)
        return write_report(length, site, books, observer, troublemaker.journal, kept), kept


async def _make_trouble(
    length: Length, site: Site, troublemaker: Troublemaker, newsroom: Newsroom, observer: Observer
) -> None:
    begun, tasks = time.monotonic(), []
    for minute, names in enumerate(drawn(length.seed, int(length.minutes))):
        tasks += [asyncio.create_task(troublemaker.do(name)) for name in names]
        await asyncio.sleep(begun + (minute + 1) * A_MINUTE_S - time.monotonic())
        print(f"{minute + 1:3} min: {' + '.join(names)}; {_line(site, newsroom, observer)}", flush=True)
    await asyncio.gather(*tasks)


def _line(site: Site, newsroom: Newsroom, observer: Observer) -> str:
    runs = Counter(run.state for run in site.ledger.runs())
    sent = Counter(state for *_, state in site.ledger.deliveries())
    newest = {sample.name: sample.rss / MEBIBYTE for sample in observer.samples[-8:]}
    memory = ", ".join(f"{name} {rss:.0f}" for name, rss in newest.items())
    return f"{newsroom.published} posts, runs {dict(runs)}, deliveries {dict(sent)}, MiB {memory}"


async def _keep_accounts(site: Site) -> None:
    """Remember when each answer of the model was saved."""
    while True:
        with suppress(SQLAlchemyError):
            await asyncio.to_thread(site.ledger.look)
        await asyncio.sleep(LOOK_EVERY_S)


async def _all_ended(site: Site) -> bool:
    deadline = time.monotonic() + ALL_ENDS_WITHIN_S
    while time.monotonic() < deadline:
        if all(run.state in ENDED for run in await asyncio.to_thread(site.ledger.runs)):
            return True
        await asyncio.sleep(1)
    return False


async def _last_digests(site: Site, newsroom: Newsroom) -> list[str]:
    """One more digest of each public bot, when nothing breaks any more: what became of them."""
    for number in range(LAST_POSTS * len(site.channels)):
        await newsroom.publish_one(number % len(site.channels))
    await _until_stored(site, newsroom.published)
    before = max((run.id for run in site.ledger.runs()), default=0)
    for audience in site.audiences:
        await newsroom.order_digest(audience.slug)
        await asyncio.sleep(2)
    await asyncio.sleep(10)
    await _all_ended(site)
    return [run.state for run in site.ledger.runs() if run.id > before] or ["none was started"]


async def _until_stored(site: Site, number: int) -> None:
    deadline = time.monotonic() + A_MINUTE_S
    while time.monotonic() < deadline and site.ledger.rows("SELECT count(*) FROM posts")[0][0] < number:
        await asyncio.sleep(0.5)


async def _silence(site: Site) -> None:
    """Until nothing is queued and every card has come to its end."""
    deadline = time.monotonic() + 2 * A_MINUTE_S
    while time.monotonic() < deadline:
        open_cards = site.ledger.rows("SELECT count(*) FROM cards WHERE announced_at IS NULL AND is_gone = false")
        if not open_cards[0][0] and not any(queued(site).values()):
            return
        await asyncio.sleep(1)


async def _end(site: Site, last_runs: list[str]) -> Ending:
    codes = {name: await site.stop(name) for name in ("bot", *WORKERS)}
    leases = [f"{name} of {owner}" for name, owner in site.ledger.rows("SELECT name, owner FROM leases")]
    workers = [name for (name,) in site.ledger.rows("SELECT name FROM workers")]
    return Ending(last_runs, codes, leases, workers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report there")
    parser.add_argument("--folder", type=Path, help="keep the logs and the database there")
    options = parser.parse_args()
    length = Length(options.minutes, options.seed, options.database)
    print(soak_facts(length), flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        server = PostgresServer() if options.database == "postgresql" else None
        try:
            report, kept = asyncio.run(soak(length, folder, server.create_database() if server else None))
        finally:
            if server:
                server.stop()
    print(report)
    if options.markdown:
        options.markdown.write_text(report)
    sys.exit(0 if all(promise.is_kept for promise in kept) else 1)


if __name__ == "__main__":
    main()
