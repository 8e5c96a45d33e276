"""Moving a run on. `advance` may be called by anyone, at any time, any number of times."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.errors import BrokerUnavailable
from pipeline.fault_points import reach
from pipeline.log_marks import about
from pipeline.services.packing import packed, room_for, weighed
from pipeline.stages.briefs import summarization_brief
from pipeline.stages.delivery import goes_out_at, needs_approval
from pipeline.stages.funnel import funnel
from pipeline.stages.quiet_days import is_fault, quiet_day
from pipeline.stages.selection import choose, is_relevant
from pipeline.toolbox import Toolbox
from storage import (
    cards,
    deliveries,
    delivery_progress,
    digests,
    operators,
    posts,
    public_bots,
    ringing,
    run_posts,
    runs,
    work,
)
from storage.progress import posts_of_runs
from storage.records import (
    DeliveryProgress,
    Failure,
    PostStatus,
    PublicBot,
    QuietDay,
    Ring,
    Run,
    RunState,
    Unreached,
    WorkKind,
)

log = logging.getLogger(__name__)

WORK_OF_STATE = {
    RunState.COLLECTING: WorkKind.PLAN,
    RunState.CATEGORIZING: WorkKind.CATEGORIZE,
    RunState.SUMMARIZING: WorkKind.SUMMARIZE,
    RunState.ASSEMBLING: WorkKind.ASSEMBLE,
    RunState.DELIVERING: WorkKind.DELIVER,
}


async def advance(tools: Toolbox, run_id: int) -> int:
    """Take a run as far as its finished work allows, and ring for the work that this makes. By how many steps."""
    steps = 0
    while (slug := await _can_move(tools, run_id)) is not None:
        with about(run=run_id, bot=slug):
            if not await _move(tools, run_id):
                break
        steps += 1
    return steps


async def _move(tools: Toolbox, run_id: int) -> bool:
    async with tools.database.write() as session:
        run = await runs.lock(session, run_id)
        moved = await _step(session, tools, run, tools.now())
        rings = await ringing.to_ring(session, run_id, tools.now())
        reach("advance.before_commit")
    reach("advance.after_commit")
    await ring_or_leave_it(tools, rings)
    return moved


async def ring_or_leave_it(tools: Toolbox, rings: Sequence[Ring]) -> None:
    """Ring after a commit. When nobody hears it the tick rings again, so that is only worth a line."""
    if not rings:
        return
    reach("ring.before")
    try:
        await tools.doorbell.ring(rings)
    except BrokerUnavailable as error:
        log.warning("The broker cannot be reached (%s); %d pieces of work wait for it.", error, len(rings))


async def _can_move(tools: Toolbox, run_id: int) -> str | None:
    """The slug of the run's public bot, where its work allows a step."""
    async with tools.database.read(is_quick=True) as session:
        run = await runs.find(session, run_id)
        if run is None or run.state.has_ended or run.state is RunState.AWAITING_APPROVAL:
            return None
        kind = WORK_OF_STATE.get(run.state)
        is_free = kind is None or not await work.is_any_open(session, run_id, kind)
        return run.bot_slug if is_free else None


async def _step(session: AsyncSession, tools: Toolbox, run: Run, now: datetime) -> bool:
    """One transition, if the rows allow it."""
    kind = WORK_OF_STATE.get(run.state)
    if kind is not None and await work.is_any_open(session, run.id, kind):
        return False
    match run.state:
        case RunState.COLLECTING:
            return await _after_collecting(session, tools, run, now)
        case RunState.CATEGORIZING:
            return await runs.transition(session, run.id, {run.state}, RunState.SELECTING, now)
        case RunState.SELECTING:
            return await _select(session, tools, run, now)
        case RunState.SUMMARIZING:
            return await _after_summarizing(session, run, now)
        case RunState.ASSEMBLING:
            return await _after_assembling(session, tools, run, now)
        case RunState.DELIVERING:
            return await _end(session, run, now)
    return False


async def _after_collecting(session: AsyncSession, tools: Toolbox, run: Run, now: datetime) -> bool:
    if PostStatus.FRESH not in await _posts(session, run):
        wish = _wish_for_quiet_days(tools, await _bot(session, run))
        return await _keep_quiet(session, run, 0, quiet_day(0, run.min_posts, wish), now)
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
    quiet = quiet_day(len(chosen), run.min_posts, _wish_for_quiet_days(tools, bot))
    gives_posts = quiet is None or quiet is QuietDay.SHORTEN
    if gives_posts:
        statuses.update(dict.fromkeys(chosen, PostStatus.CHOSEN))
    await run_posts.set_statuses(session, run.id, statuses)
    if not gives_posts:
        return await _keep_quiet(session, run, len(chosen), quiet, now)
    room = await room_for(session, tools, summarization_brief(bot.spec))
    batches = packed(tools, bot, room, weighed(await posts.texts(session, chosen)))
    await work.add(session, run.id, WorkKind.SUMMARIZE, batches, now)
    return await runs.transition(session, run.id, {run.state}, RunState.SUMMARIZING, now, quiet_day=quiet)


async def _keep_quiet(session: AsyncSession, run: Run, chosen: int, quiet: QuietDay | None, now: datetime) -> bool:
    """No digest, or one that says that it is a quiet day; where the model's failures may have made it one, neither."""
    reasons = await run_posts.set_aside_reasons(session, run.id)
    if is_fault(chosen, len(reasons), run.min_posts):
        reason, numbers = (
            next(iter(reasons.values())),
            {"chosen": chosen, "least": run.min_posts, "count": len(reasons)},
        )
        return await fail_run(session, run.id, Failure("run.too_few_judged", {**numbers, "reason": reason}), now)
    if quiet is not QuietDay.SAY:
        return await _end(session, run, now, quiet_day=quiet)
    await work.add(session, run.id, WorkKind.ASSEMBLE, [()], now)
    return await runs.transition(session, run.id, {run.state}, RunState.ASSEMBLING, now, quiet_day=quiet)


def _wish_for_quiet_days(tools: Toolbox, bot: PublicBot) -> QuietDay:
    return QuietDay(bot.spec.quiet_day or tools.settings.digest.quiet_day)


async def _after_summarizing(session: AsyncSession, run: Run, now: datetime) -> bool:
    if PostStatus.SUMMARIZED not in await _posts(session, run):
        return await _fail_for_set_aside(session, run, now)
    await work.add(session, run.id, WorkKind.ASSEMBLE, [()], now)
    return await runs.transition(session, run.id, {run.state}, RunState.ASSEMBLING, now)


async def _after_assembling(session: AsyncSession, tools: Toolbox, run: Run, now: datetime) -> bool:
    """To the readers, or first to the operators; a public bot without a token has no other readers than these."""
    digest = await digests.of_run(session, run.id)
    assert digest is not None, f"run {run.id} has no digest although its assembling is done"
    if not run.deliver:
        return await _end(session, run, now)
    bot = await _bot(session, run)
    if not bot.has_token:
        await digests.mark_given(session, digest, run.public_bot_id, now)
        return await _end(session, run, now)
    counts = funnel(await _posts(session, run))
    wanted = bot.spec.approval if bot.spec.approval is not None else tools.settings.digest.approval
    if not needs_approval(wanted, counts.distinct, counts.set_aside):
        return await begin_delivery(session, run, now)
    await let_operators_follow(session, tools, run, now)
    return await runs.transition(session, run.id, {run.state}, RunState.AWAITING_APPROVAL, now)


async def begin_delivery(session: AsyncSession, run: Run, now: datetime) -> bool:
    """Let the digest go out, at its time where it has one. False: the run is not what it was any more."""
    if not await runs.transition(session, run.id, {run.state}, RunState.DELIVERING, now):
        return False
    await work.add(session, run.id, WorkKind.DELIVER, [()], goes_out_at(run.state, run.publish_at, now))
    return True


async def let_operators_follow(session: AsyncSession, tools: Toolbox, run: Run, now: datetime) -> None:
    """Somebody must see the question: where no chat follows the run yet, every operator's does from now on."""
    if await cards.of_run(session, run.id):
        return
    languages = await operators.languages(session)
    for operator_id in tools.settings.telegram.operator_ids:
        language = languages.get(operator_id, tools.settings.telegram.language)
        await cards.ensure(session, run.id, operator_id, language, now)


async def _fail_for_set_aside(session: AsyncSession, run: Run, now: datetime) -> bool:
    reasons = await run_posts.set_aside_reasons(session, run.id)
    reason = next(iter(reasons.values()), "")
    return await fail_run(session, run.id, Failure("run.all_set_aside", {"count": len(reasons), "reason": reason}), now)


async def end_delivery(session: AsyncSession, run_id: int, why: Unreached, now: datetime) -> None:
    """Nothing more of the run's digest is sent; where it has reached nobody, its posts are free again."""
    digest = await digests.of_run(session, run_id)
    if digest is None:
        return
    await deliveries.end_pending(session, digest.id, why, now)
    progress = (await delivery_progress.progress(session, [run_id])).get(run_id, DeliveryProgress())
    if progress.delivered + progress.uncertain + progress.waiting == 0:
        await digests.free_posts(session, digest.id)


async def fail_run(session: AsyncSession, run_id: int, failure: Failure, now: datetime) -> bool:
    """End a run with a reason; nothing of it is worked on any more."""
    if not await runs.fail(session, run_id, failure, now):
        return False
    await work.cancel_all(session, run_id)
    await run_posts.drop_unfinished(session, run_id)
    return True


async def _end(session: AsyncSession, run: Run, now: datetime, **changes: object) -> bool:
    return await runs.transition(session, run.id, {run.state}, RunState.DONE, now, finished_at=now, **changes)


async def _posts(session: AsyncSession, run: Run) -> Mapping[PostStatus, int]:
    """How many of the run's posts are where."""
    return (await posts_of_runs(session, [run.id])).get(run.id, {})


async def _bot(session: AsyncSession, run: Run) -> PublicBot:
    bot = await public_bots.by_id(session, run.public_bot_id)
    assert bot is not None, f"run {run.id} is of a public bot that does not exist"
    return bot
