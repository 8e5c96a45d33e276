"""`process_bot_digest`: which posts a run is about, and the batches they are categorized in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from pipeline.services.advancing import advance
from pipeline.services.claiming import holding
from pipeline.services.packing import Weighed, packed, room_for, weighed
from pipeline.stages.briefs import categorization_brief
from pipeline.stages.deduplication import first_statuses
from pipeline.toolbox import Toolbox
from storage import posts, public_bots, run_posts, runs, work
from storage.lost_time import held_back_before, note_held_back
from storage.records import PostStatus, RunState, Work, WorkKind

TEXTS_AT_ONCE = 500


async def plan(tools: Toolbox, work_id: int) -> None:
    """Enter every post of the run's period, and a batch for those that are fresh and distinct."""
    async with holding(tools, work_id) as claimed:
        if claimed is None:
            return
        await _plan(tools, claimed)
    await advance(tools, claimed.run_id)


async def _plan(tools: Toolbox, claimed: Work) -> None:
    now = tools.now()
    async with tools.database.write() as session:
        await runs.transition(session, claimed.run_id, {RunState.QUEUED}, RunState.COLLECTING, now, started_at=now)
    async with tools.database.read() as session:
        run = await runs.get(session, claimed.run_id)
        bot = await public_bots.by_id(session, run.public_bot_id)
        assert bot is not None
        source_ids = await public_bots.source_ids(session, bot.id)
        earliest = run.period.end - timedelta(hours=bot.spec.window_hours or tools.settings.digest.window_hours)
        given_before = await held_back_before(session, run)
        candidates = await posts.candidates(session, bot.id, source_ids, run.period, earliest, given_before)
        room = await room_for(session, tools, categorization_brief(bot.spec))
    statuses = first_statuses(candidates)
    fresh = [one.id for one in candidates if statuses[one.id] is PostStatus.FRESH]
    batches = packed(tools, bot, room, await _weighed(tools, fresh))
    async with tools.database.write() as session:
        await runs.hold(session, run.id)
        await work.finish(session, claimed)
        await run_posts.add(session, run.id, statuses)
        if given_before is not None and PostStatus.GIVEN_BEFORE in statuses.values():
            await note_held_back(session, run.id, given_before)
        await work.add(session, run.id, WorkKind.CATEGORIZE, batches, tools.now())


async def _weighed(tools: Toolbox, post_ids: Sequence[int]) -> list[Weighed]:
    """With the memory of a few hundred texts."""
    found: list[Weighed] = []
    for start in range(0, len(post_ids), TEXTS_AT_ONCE):
        async with tools.database.read() as session:
            texts = await posts.texts(session, post_ids[start : start + TEXTS_AT_ONCE])
        found += await asyncio.to_thread(weighed, texts)
    return found
