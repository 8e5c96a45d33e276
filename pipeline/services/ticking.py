"""The tick: what makes every loss a matter of seconds. Any number of processes call it; one at a time does it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from pipeline.errors import BrokerUnavailable
from pipeline.queues import QUEUES
from pipeline.services.advancing import advance, ring_or_leave_it
from pipeline.services.recovering import recover
from pipeline.toolbox import Toolbox
from storage import runs, work, workers
from storage.records import Engine

ROLE = "tick"
HOLD = timedelta(seconds=10)
HEARD_WITHIN = timedelta(seconds=3)


async def tick(tools: Toolbox, dead_owners: Collection[str]) -> bool:
    """Take back what the dead held, ring for what nobody heard, move on what stands still.

    `dead_owners` are known to have ended; others are believed dead when their lease runs out. False: another process
    does it.
    """
    async with tools.database.write() as session:
        if not await workers.take_role(session, ROLE, tools.owner, tools.now(), HOLD):
            return False
    await recover(tools, dead_owners)
    async with tools.database.read() as session:
        going_on = await runs.going_on(session)
    for run in going_on:
        await advance(tools, run.id)
    await _ring_for_the_unheard(tools)
    return True


async def _ring_for_the_unheard(tools: Toolbox) -> None:
    """Ring for what has become due; and once more, where the queue is empty, for what was rung for in vain."""
    now = tools.now()
    async with tools.database.read() as session:
        fresh = await work.due_unheard(session, now)
        in_vain = await work.due_unheard(session, now, now - HEARD_WITHIN)
    if not in_vain:
        return
    try:
        depths = await tools.doorbell.depths()
    except BrokerUnavailable:
        return
    rings = [
        ring
        for ring in in_vain
        if ring.engine is Engine.CELERY and (ring in fresh or depths.get(QUEUES[ring.kind], 0) == 0)
    ]
    if rings:
        async with tools.database.write() as session:
            await work.mark_rung(session, [ring.work_id for ring in rings], now)
        await ring_or_leave_it(tools, rings)
