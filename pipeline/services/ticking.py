"""The tick: what makes every loss a matter of seconds. Any number of processes call it; one at a time does it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import timedelta

from pipeline.errors import BrokerUnavailable
from pipeline.log_marks import about, found_by, new_error_id
from pipeline.meter import Fate, TickAction
from pipeline.queues import QUEUES
from pipeline.services.advancing import advance, ring_or_leave_it
from pipeline.services.bugs import report_bug
from pipeline.services.recovering import recover
from pipeline.services.scheduling import start_due_runs
from pipeline.toolbox import Toolbox
from storage import doubts, ringing, runs, workers
from storage.database import AWAY
from storage.records import Engine, Run

log = logging.getLogger(__name__)

ROLE = "tick"
HOLD = timedelta(seconds=10)
LOCAL_ENGINE = "local engine"
LOCAL_ENGINE_HOLD = timedelta(seconds=15)
HEARD_WITHIN = timedelta(seconds=3)


async def tick(tools: Toolbox, dead_owners: Collection[str]) -> bool:
    """Take back what the dead held, ring for what nobody heard, move on what stands still.

    `dead_owners` are known to have ended, and their roles are free; others are believed dead when their lease has run
    out. False: another process does it.
    """
    async with tools.database.write() as session:
        if dead_owners:
            await workers.free_roles_of(session, dead_owners)
        if not await workers.take_role(session, ROLE, tools.owner, tools.now(), HOLD):
            return False
    await recover(tools, dead_owners)
    await start_due_runs(tools)
    async with tools.database.read() as session:
        going_on = await runs.going_on(session)
    await _adopt_orphans(tools, going_on)
    for run in going_on:
        with about(run=run.id, bot=run.bot_slug):
            await _move_on(tools, run)
    await _doubt_orphans(tools)
    await _ring_for_the_unheard(tools)
    tools.meter.ticked()
    return True


async def _move_on(tools: Toolbox, run: Run) -> None:
    """A bug in it costs this run at most."""
    try:
        tools.meter.tick_did(TickAction.ADVANCED, await advance(tools, run.id))
    except AWAY:
        raise
    except Exception:
        error_id = new_error_id()
        log.exception("The run could not be moved on; it is tried again by the next tick.", extra=found_by(error_id))
        await report_bug(tools, "faults.run_bug", error_id, public_bot_id=run.public_bot_id, run_id=run.id)


async def _doubt_orphans(tools: Toolbox) -> None:
    """Messages that were on their way when their run ended and their process died."""
    async with tools.database.read() as session:
        if not await doubts.has_orphans(session, tools.now()):
            return
    async with tools.database.write() as session:
        lost = await doubts.doubt_orphans(session, tools.now())
    for public_bot, number in lost.items():
        tools.meter.sent(public_bot, {Fate.UNCERTAIN: number})
        tools.meter.tick_did(TickAction.DOUBTED, number)


async def _adopt_orphans(tools: Toolbox, going_on: Sequence[Run]) -> None:
    """Runs of a local engine go over to the workers when no process with such an engine lives any more."""
    orphans = [run for run in going_on if run.engine is Engine.LOCAL]
    if tools.settings.engine.mode == "local":
        await _take_over_from_workers(tools, going_on)
        return
    if not orphans or tools.has_local_engine:
        return
    async with tools.database.write() as session:
        if await workers.role_is_held(session, LOCAL_ENGINE, tools.now(), LOCAL_ENGINE_HOLD):
            return
        for run in orphans:
            with about(run=run.id, bot=run.bot_slug):
                log.warning("The run has lost the process that did it; workers go on with it.")
            await runs.switch_engine(session, run.id, Engine.CELERY, None)
    tools.meter.tick_did(TickAction.ADOPTED, len(orphans))


async def _take_over_from_workers(tools: Toolbox, going_on: Sequence[Run]) -> None:
    """This installation has no workers any more: what they were to do is done here."""
    for run in going_on:
        if run.engine is Engine.CELERY:
            async with tools.database.write() as session:
                await runs.switch_engine(session, run.id, Engine.LOCAL, None)
            tools.meter.tick_did(TickAction.ADOPTED, 1)


async def _ring_for_the_unheard(tools: Toolbox) -> None:
    """Ring for what has become due; and once more, where the queue is empty, for what was rung for in vain."""
    now = tools.now()
    async with tools.database.read() as session:
        fresh = {ring.work_id for ring in await ringing.due_unheard(session, Engine.CELERY, now)}
        in_vain = await ringing.due_unheard(session, Engine.CELERY, now, now - HEARD_WITHIN)
    if not in_vain:
        return
    try:
        depths = await tools.doorbell.depths()
    except BrokerUnavailable:
        return
    rings = [ring for ring in in_vain if ring.work_id in fresh or depths.get(QUEUES[ring.kind], 0) == 0]
    if rings:
        async with tools.database.write() as session:
            await ringing.mark_rung(session, [ring.work_id for ring in rings], now)
        tools.meter.tick_did(TickAction.RUNG, len(rings))
        await ring_or_leave_it(tools, rings)
