"""How soon the scripts are ready, once they have made the environment: from their start until they do something."""

from __future__ import annotations

import asyncio
import time

from benchmarks.bench import PERIOD
from benchmarks.desk.figures import Desk, Waits
from benchmarks.desk.place import Place
from pipeline.services.starting import Order, ring_for, start_run
from tests.processes import until

LOOK_EVERY_S = 0.01
TAKEN_WITHIN_S = 60.0


async def start_again(place: Place, times: int, desk: Desk) -> None:
    """The bot until it asks Telegram for updates, a worker until it has taken a piece of work that waits."""
    where, installation = place.bench.database, place.bench.installation
    bots, workers = [], []
    for _ in range(times):
        bots.append(await place.start_bot())
        await asyncio.to_thread(installation.terminate, "bot")
        workers.append(await _start_worker(place))
        await asyncio.to_thread(installation.terminate, "starting")
    desk.bot_starts.append(Waits(where, bots))
    desk.worker_starts.append(Waits(where, workers))


async def _start_worker(place: Place) -> float:
    tools = place.bench.tools
    started = await start_run(tools, Order("small-0", PERIOD, deliver=False))
    await ring_for(tools, started.run)
    began = time.monotonic()
    place.bench.installation.start_worker("starting")
    query = "SELECT count(*) FROM work WHERE run_id = :run AND state = 'pending'"
    while await place.bench.rows(query, run=started.run.id) != [(0,)]:
        if time.monotonic() - began > TAKEN_WITHIN_S:
            raise SystemExit(f"The worker takes nothing:\n{place.bench.installation.log('starting')[-2000:]}")
        await asyncio.sleep(LOOK_EVERY_S)
    seconds = time.monotonic() - began
    ended = "SELECT count(*) FROM runs WHERE id = :run AND finished_at IS NULL"
    await until(lambda: _is_empty(place, ended, started.run.id), "the end of the run")
    return seconds


async def _is_empty(place: Place, query: str, run_id: int) -> bool:
    return await place.bench.rows(query, run=run_id) == [(0,)]
