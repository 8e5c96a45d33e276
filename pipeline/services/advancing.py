"""Moving a run on. `advance` may be called by anyone, at any time, any number of times."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.errors import BrokerUnavailable
from pipeline.stages.batching import pack
from pipeline.stages.prompting import post_tokens
from pipeline.stages.selection import choose, is_relevant
from pipeline.toolbox import Toolbox
from storage import digests, posts, public_bots, run_posts, runs, work
from storage.records import Failure, PostStatus, PublicBot, Ring, Run, RunState, WorkKind

log = logging.getLogger(__name__)

WORK_OF_STATE = {
    RunState.COLLECTING: WorkKind.PLAN,
    RunState.CATEGORIZING: WorkKind.CATEGORIZE,
    RunState.SUMMARIZING: WorkKind.SUMMARIZE,
    RunState.ASSEMBLING: WorkKind.ASSEMBLE,
}


async def advance(tools: Toolbox, run_id: int) -> None:
    """Take a run as far as its finished work allows, and ring for the work that this makes."""
    while await _can_move(tools, run_id):
        async with tools.database.write() as session:
            run = await runs.lock(session, run_id)
            moved = await _step(session, tools, run, tools.now())
            rings = await work.to_ring(session, run_id, tools.now())
        await ring_or_leave_it(tools, rings)
        if not moved:
            return


async def ring_or_leave_it(tools: Toolbox, rings: Sequence[Ring]) -> None:
    """Ring after a commit. When nobody hears it the tick rings again, so that is only worth a line."""
    if not rings:
        return
    try:
        await tools.doorbell.ring(rings)
    except BrokerUnavailable as error:
        log.warning("The broker cannot be reached (%s); %d pieces of work wait for it.", error, len(rings))


async def _can_move(tools: Toolbox, run_id: int) -> bool:
    async with tools.database.read() as session:
        run = await runs.find(session, run_id)
        if run is None or run.state.has_ended:
            return False
        kind = WORK_OF_STATE.get(run.state)
        return kind is None or await work.count_open(session, run_id, kind) == 0


async def _step(session: AsyncSession, tools: Toolbox, run: Run, now: datetime) -> bool:
    """One transition, if the rows allow it."""
    kind = WORK_OF_STATE.get(run.state)
    if kind is not None and await work.count_open(session, run.id, kind) > 0:
        return False
    match run.state:
        case RunState.COLLECTING:
            return await _after_collecting(session, run, now)
        case RunState.CATEGORIZING:
            return await runs.transition(session, run.id, {run.state}, RunState.SELECTING, now)
        case RunState.SELECTING:
            return await _select(session, tools, run, now)
        case RunState.SUMMARIZING:
            return await _after_summarizing(session, run, now)
        case RunState.ASSEMBLING:
            return await _after_assembling(session, run, now)
    return False


async def _after_collecting(session: AsyncSession, run: Run, now: datetime) -> bool:
    (progress,) = await runs.progress(session, [run])
    if progress.count(PostStatus.FRESH) == 0:
        return await _end(session, run, now)
    return await runs.transition(session, run.id, {run.state}, RunState.CATEGORIZING, now)


async def _select(session: AsyncSession, tools: Toolbox, run: Run, now: datetime) -> bool:
    bot = await _bot(session, run)
    judged = await run_posts.judged(session, run.id)
    if not judged:
        return await _fail_for_set_aside(session, run, now)
    categories = [category.name for category in bot.spec.categories]
    chosen = choose(judged, categories, run.post_limit)
    statuses = {
        post.post_id: PostStatus.PASSED_OVER if is_relevant(post, categories) else PostStatus.IRRELEVANT
        for post in judged
    }
    statuses.update(dict.fromkeys(chosen, PostStatus.CHOSEN))
    await run_posts.set_statuses(session, run.id, statuses)
    if not chosen:
        return await _end(session, run, now)
    texts = await posts.by_ids(session, chosen)
    sizes = [(post_id, post_tokens(texts[post_id].text)) for post_id in chosen]
    batch_size = bot.spec.batch_size or tools.settings.digest.batch_size
    batches = pack(sizes, batch_size, tools.settings.digest.max_batch_tokens)
    await work.add(session, run.id, WorkKind.SUMMARIZE, batches, now)
    return await runs.transition(session, run.id, {run.state}, RunState.SUMMARIZING, now)


async def _after_summarizing(session: AsyncSession, run: Run, now: datetime) -> bool:
    (progress,) = await runs.progress(session, [run])
    if progress.count(PostStatus.SUMMARIZED) == 0:
        return await _fail_for_set_aside(session, run, now)
    await work.add(session, run.id, WorkKind.ASSEMBLE, [()], now)
    return await runs.transition(session, run.id, {run.state}, RunState.ASSEMBLING, now)


async def _after_assembling(session: AsyncSession, run: Run, now: datetime) -> bool:
    digest = await digests.of_run(session, run.id)
    assert digest is not None, f"run {run.id} has no digest although its assembling is done"
    if run.deliver:
        await digests.mark_given(session, digest, run.public_bot_id, now)
    return await _end(session, run, now)


async def _fail_for_set_aside(session: AsyncSession, run: Run, now: datetime) -> bool:
    reasons = await run_posts.set_aside_reasons(session, run.id)
    reason = next(iter(reasons.values()), "")
    return await fail_run(session, run.id, Failure("run.all_set_aside", {"count": len(reasons), "reason": reason}), now)


async def fail_run(session: AsyncSession, run_id: int, failure: Failure, now: datetime) -> bool:
    """End a run with a reason; nothing of it is worked on any more."""
    if not await runs.fail(session, run_id, failure, now):
        return False
    await work.cancel_all(session, run_id)
    await run_posts.drop_unfinished(session, run_id)
    return True


async def _end(session: AsyncSession, run: Run, now: datetime) -> bool:
    return await runs.transition(session, run.id, {run.state}, RunState.DONE, now, finished_at=now)


async def _bot(session: AsyncSession, run: Run) -> PublicBot:
    bot = await public_bots.by_id(session, run.public_bot_id)
    assert bot is not None, f"run {run.id} is of a public bot that does not exist"
    return bot
