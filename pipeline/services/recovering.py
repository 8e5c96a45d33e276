"""Taking back work whose process died over it, or whose doing ended in a bug."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.log_marks import about
from pipeline.meter import TickAction
from pipeline.services.advancing import advance, fail_run, ring_or_leave_it
from pipeline.services.bugs import report_bug
from pipeline.stages.splitting import CRASHES_ALONE, after_crash
from pipeline.toolbox import Toolbox
from storage import ringing, run_posts, runs, work
from storage.records import Failure, Ring, Work, WorkKind

log = logging.getLogger(__name__)

STAYS_UNRENEWED = timedelta(seconds=15)  # whoever lives renews every 10 s
AFTER_A_BUG = timedelta(seconds=30)


async def recover(tools: Toolbox, dead_owners: Collection[str]) -> None:
    """Make work claimable again whose owner is known to be dead, or whose lease has run out and is not renewed.

    A lease is written by its owner's clock, which may differ from ours or have been set: so it is also watched for as
    long as a living owner takes to renew it.
    """
    async with tools.database.read() as session:
        candidates = await work.abandoned(session, tools.now(), dead_owners)
    seen = _unrenewed(tools, candidates, dead_owners)
    if not seen:
        return
    async with tools.database.write() as session:
        for run_id in sorted({one.run_id for one in seen}):
            await runs.hold(session, run_id)
        lost = [one for one in await work.abandoned(session, tools.now(), dead_owners) if one in seen]
        rings = await _take_back(session, tools, lost)
    if lost:
        tools.meter.tick_did(TickAction.TAKEN_BACK, len(lost))
        await _tell_lost(tools, lost)
    await ring_or_leave_it(tools, rings)


def _unrenewed(tools: Toolbox, candidates: Sequence[Work], dead_owners: Collection[str]) -> Sequence[Work]:
    now = tools.now()
    since = {one: min(tools.unrenewed.get(one, now), now) for one in candidates}
    tools.unrenewed.clear()
    tools.unrenewed.update(since)
    return [one for one in candidates if one.owner in dead_owners or now - since[one] >= STAYS_UNRENEWED]


async def _tell_lost(tools: Toolbox, lost: Sequence[Work]) -> None:
    """A line for each run."""
    for run_id, number in Counter(one.run_id for one in lost).items():
        async with tools.database.read() as session:
            run = await runs.get(session, run_id)
        with about(run=run_id, bot=run.bot_slug):
            log.warning("%d pieces of work were taken back from a process that ended.", number)


async def recover_from_bug(tools: Toolbox, work_id: int, error_id: str) -> None:
    """The doing of this work raised what nobody expected: treat it as if it had killed the process, and let operators
    know of it; the log has it under this id."""
    async with tools.database.read() as session:
        seen = await work.claimed_by(session, work_id, tools.owner)
    if seen is None:
        return
    async with tools.database.write() as session:
        await runs.hold(session, seen.run_id)
        lost = await work.claimed_by(session, work_id, tools.owner)
        rings = await _take_back(session, tools, [lost] if lost else [], delay=AFTER_A_BUG, error_id=error_id)
        bot_id = (await runs.get(session, seen.run_id)).public_bot_id
    await report_bug(tools, "faults.run_bug", error_id, public_bot_id=bot_id, run_id=seen.run_id)
    await ring_or_leave_it(tools, rings)
    await advance(tools, seen.run_id)


async def _take_back(
    session: AsyncSession,
    tools: Toolbox,
    lost: Sequence[Work],
    *,
    delay: timedelta = timedelta(),
    error_id: str | None = None,
) -> list[Ring]:
    for one in lost:
        await runs.touch(session, one.run_id)
        if one.kind in work.ASKED_OF_A_MODEL:
            await _take_back_batch(session, tools, one, error_id)
        elif one.kind is WorkKind.DELIVER:  # what was on its way is in doubt, the rest still has to go
            await work.take_back(session, one, tools.now() + delay)
        elif one.crashes + 1 > CRASHES_ALONE:
            await fail_run(session, one.run_id, _failure(one, error_id), tools.now())
        else:
            await work.take_back(session, one, tools.now(), crashes=1)
    rings: list[Ring] = []
    for run_id in sorted({one.run_id for one in lost}):
        rings += await ringing.to_ring(session, run_id, tools.now())
    return rings


def _failure(lost: Work, error_id: str | None) -> Failure:
    if error_id is None:
        return Failure("run.too_many_attempts", {"reason": lost.kind})
    return Failure("run.bug", {"id": error_id})


async def _take_back_batch(session: AsyncSession, tools: Toolbox, lost: Work, error_id: str | None) -> None:
    """A batch is tried post by post; a single post not for ever."""
    why = f"an error that the log has under {error_id}" if error_id else "it ended the worker's process"
    steps = after_crash(lost.post_ids, lost.crashes, why)
    if steps.again:
        await work.take_back(session, lost, tools.now(), crashes=1)
        return
    await work.finish(session, lost)
    await run_posts.set_aside(session, lost.run_id, steps.set_aside or {})
    await work.add(session, lost.run_id, lost.kind, steps.smaller, tools.now())
