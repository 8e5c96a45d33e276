"""What is asked of a desk again and again, timed one by one. Each look leaves the desk as it found it, but for a run
that was cancelled."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from pipeline.services.advancing import advance
from pipeline.services.following import load_progress
from pipeline.services.overview import load_overview, someone_works_on
from pipeline.services.planning import plan
from pipeline.services.starting import Order, start_run
from pipeline.services.ticking import tick
from pipeline.toolbox import Toolbox
from storage import cards, run_posts, runs, work
from storage.records import Run

BOT = "bot-0"
PERIOD = "24h"

Look = Callable[[], Awaitable[object]]


async def look_once(tools: Toolbox, newest_run: int) -> Mapping[str, float]:
    """Seconds of each look. `newest_run` is one that has ended."""
    seconds: dict[str, float] = {}

    async def timed(name: str, look: Look) -> object:
        begun = time.perf_counter()
        result = await look()
        seconds[name] = time.perf_counter() - begun
        return result

    run = await _start(tools, timed)
    await timed("plan a run", lambda: _plan(tools, run.id))
    await timed("/status", lambda: load_overview(tools))
    await timed("/status of a run", lambda: load_progress(tools, newest_run))
    await timed("where the posts of a run went", lambda: _fates(tools, newest_run))
    await timed("look for cards", lambda: _look_for_cards(tools, run.id))
    await timed("advance", lambda: advance(tools, run.id))
    await timed("tick", lambda: tick(tools, ()))
    await _cancel(tools, run.id)
    return seconds


async def _start(tools: Toolbox, timed: Callable[[str, Look], Awaitable[object]]) -> Run:
    found: list[Run] = []

    async def start() -> None:
        found.append((await start_run(tools, Order(BOT, PERIOD, deliver=False))).run)

    await timed("/digest: store a run", start)
    return found[0]


async def _plan(tools: Toolbox, run_id: int) -> None:
    async with tools.database.read() as session:
        work_id = await work.plan_of(session, run_id)
    assert work_id is not None
    await plan(tools, work_id)


async def _fates(tools: Toolbox, run_id: int) -> None:
    async with tools.database.read() as session:
        await run_posts.fates(session, run_id)


async def _look_for_cards(tools: Toolbox, run_id: int) -> None:
    """As the bot does once a second while a run goes on."""
    async with tools.database.read() as session:
        await cards.unannounced(session)
    await load_progress(tools, run_id)
    await someone_works_on(tools, run_id)


async def _cancel(tools: Toolbox, run_id: int) -> None:
    async with tools.database.write() as session:
        await runs.cancel(session, run_id, None, tools.now())
        await work.cancel_all(session, run_id)
        await run_posts.drop_unfinished(session, run_id)
