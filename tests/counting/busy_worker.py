"""A real worker, one task at a time, that does runs; and nothing else rings for them than the work itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from pipeline.adapters.doorbell import CeleryDoorbell
from pipeline.services.following import load_progress
from pipeline.services.starting import Order, ring_for, start_run
from pipeline.services.ticking import HOLD, ROLE
from pipeline.toolbox import Toolbox
from pipeline.wiring import utc_now
from settings import HOME
from storage import workers
from storage.database import Database, database_url
from storage.records import IncomingPost, WorkKind
from storage.schema import migrate
from tests.processes import Installation, until
from tests.support import make_posts, make_spec, make_tools, open_desk


@dataclass(frozen=True)
class BusyWorker:
    """`tools` ring past the proxy, and hold the tick back: what is rung for by the clock would be counted by chance."""

    tools: Toolbox

    async def do_a_run(self, posts: int) -> int:
        """A run of a new public bot over so many fresh posts, to its end; how many tasks it had."""
        slug = f"bot-{posts}"
        await open_desk(self.tools.database, _fresh(posts, slug), make_spec(slug, sources=(slug,)))
        run = (await start_run(self.tools, Order(slug))).run
        await ring_for(self.tools, run)

        async def has_ended() -> bool:
            return (await load_progress(self.tools, run.id)).run.state.has_ended

        await until(has_ended, "the end of the run")
        calls = (await load_progress(self.tools, run.id)).model_calls
        return calls + len({WorkKind.PLAN, WorkKind.ASSEMBLE})


@asynccontextmanager
async def busy_worker(installation: Installation, redis_url: str) -> AsyncIterator[BusyWorker]:
    url = database_url(installation.database_url, HOME)
    await migrate(url)
    database, doorbell = Database(url), CeleryDoorbell(redis_url, lambda: None)
    tools = make_tools(database, doorbell=doorbell, now=utc_now)
    await _hold_the_tick(tools)
    holding = asyncio.create_task(_keep_holding_the_tick(tools))
    installation.start_worker("worker", "--concurrency", "1")
    try:
        yield BusyWorker(tools)
    finally:
        installation.stop_all()
        holding.cancel()
        with suppress(asyncio.CancelledError):
            await holding
        await doorbell.close()
        await database.close()


async def _keep_holding_the_tick(tools: Toolbox) -> None:
    while True:
        await asyncio.sleep(HOLD.total_seconds() / 5)
        await _hold_the_tick(tools)


async def _hold_the_tick(tools: Toolbox) -> None:
    async with tools.database.write() as session:
        is_held = await workers.take_role(session, ROLE, tools.owner, tools.now(), HOLD)
    assert is_held, "the worker has the tick: this process stood still for too long"


def _fresh(number: int, slug: str) -> list[IncomingPost]:
    now = utc_now()
    return [
        replace(post, published_at=now - timedelta(minutes=place), text=f"{post.text} For {slug}.")
        for place, post in enumerate(make_posts(number), 1)
    ]
