"""Taking back work whose process died over it, or whose doing ended in a bug."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.services.advancing import advance, fail_run, ring_or_leave_it
from pipeline.stages.splitting import CRASHES_ALONE, after_crash
from pipeline.toolbox import Toolbox
from storage import run_posts, runs, work
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
            await runs.lock(session, run_id)
        lost = [one for one in await work.abandoned(session, tools.now(), dead_owners) if one in seen]
        rings = await _take_back(session, tools, lost)
    if lost:
        log.warning("%d pieces of work were taken back from a process that ended.", len(lost))
    await ring_or_leave_it(tools, rings)


def _unrenewed(tools: Toolbox, candidates: Sequence[Work], dead_owners: Collection[str]) -> Sequence[Work]:
    now = tools.now()
    since = {one: min(tools.unrenewed.get(one, now), now) for one in candidates}
    tools.unrenewed.clear()
    tools.unrenewed.update(since)
    return [one for one in candidates if one.owner in dead_owners or now - since[one] >= STAYS_UNRENEWED]


async def recover_from_bug(tools: Toolbox, work_id: int) -> None:
    """The doing of this work raised what nobody expected: treat it as if it had killed the process."""
    async with tools.database.read() as session:
        seen = await work.claimed_by(session, work_id, tools.owner)
    if seen is None:
        return
    async with tools.database.write() as session:
        await runs.lock(session, seen.run_id)
        lost = await work.claimed_by(session, work_id, tools.owner)
        rings = await _take_back(session, tools, [lost] if lost else [], delay=AFTER_A_BUG)
    await ring_or_leave_it(tools, rings)
    await advance(tools, seen.run_id)


async def _take_back(
    session: AsyncSession, tools: Toolbox, lost: Sequence[Work], *, delay: timedelta = timedelta()
) -> list[Ring]:
    for one in lost:
        await runs.touch(session, one.run_id)
        if one.kind in work.ASKED_OF_A_MODEL:
            await _take_back_batch(session, tools, one)
        elif one.kind is WorkKind.DELIVER:  # what was on its way is in doubt, the rest still has to go
            await work.take_back(session, one, tools.now() + delay)
        elif one.crashes + 1 > CRASHES_ALONE:
            await fail_run(session, one.run_id, Failure("run.too_many_attempts", {"reason": one.kind}), tools.now())
        else:
            await work.take_back(session, one, tools.now(), crashes=1)
    rings: list[Ring] = []
    for run_id in sorted({one.run_id for one in lost}):
        rings += await work.to_ring(session, run_id, tools.now())
    return rings


async def _take_back_batch(session: AsyncSession, tools: Toolbox, lost: Work) -> None:
    """A batch is tried post by post; a single post not for ever."""
    steps = after_crash(lost.post_ids, lost.crashes)
    if steps.again:
        await work.take_back(session, lost, tools.now(), crashes=1)
        return
    await work.finish(session, lost)
    await run_posts.set_aside(session, lost.run_id, steps.set_aside or {})
    await work.add(session, lost.run_id, lost.kind, steps.smaller, tools.now())
