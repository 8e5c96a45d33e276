"""What operators decide about a digest: whether it goes out, and how its delivery goes on. The first word counts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.errors import ForPeople, MessageRefused, Migrated, TokenRefused, Unreachable
from pipeline.services.advancing import begin_delivery, ring_or_leave_it
from pipeline.services.starting import new_run, ring_for, store_run
from pipeline.toolbox import Toolbox
from storage import cards, deliveries, digests, doubts, operators, public_bots, ringing, run_posts, runs, work
from storage.records import ActionKind, Actor, Digest, PublicBot, Run, RunState, WorkKind
from texts import Texts


async def publish(tools: Toolbox, run_id: int, actor: Actor) -> bool:
    """Let a draft go out to the readers. False: somebody has decided before."""
    async with tools.database.write() as session:
        run = await _draft(session, run_id)
        if run is None:
            return False
        await begin_delivery(session, run, tools.now())
        await _write_down(session, run, actor, ActionKind.PUBLISH, tools.now())
        rings = await ringing.to_ring(session, run_id, tools.now())
    await ring_or_leave_it(tools, rings)
    return True


async def discard(tools: Toolbox, run_id: int, actor: Actor) -> bool:
    """Let a draft go to nobody; its posts stay free. False: somebody has decided before."""
    async with tools.database.write() as session:
        run = await _draft(session, run_id)
        if run is None:
            return False
        await _put_aside(session, run, actor, ActionKind.DISCARD, tools.now())
    return True


async def regenerate(tools: Toolbox, run_id: int, actor: Actor) -> Run | None:
    """Make a draft anew, of the same period and for the same chats. None: somebody has decided before."""
    now = tools.now()
    async with tools.database.write() as session:
        old = await _draft(session, run_id)
        if old is None:
            return None
        await _put_aside(session, old, actor, ActionKind.REGENERATE, now)
        bot = await public_bots.by_id(session, old.public_bot_id)
        assert bot is not None
        again = replace(
            new_run(tools, bot, old.period, old.origin, old.post_limit), requested_by=actor.id, asks_anew=True
        )
        new, _ = await store_run(session, again, now)
        for chat_id, language in (await cards.of_run(session, old.id)).items():
            await cards.ensure(session, new.id, chat_id, language, now)
    await ring_for(tools, new)
    return new


async def preview(tools: Toolbox, run_id: int, user_id: int) -> None:
    """Send a draft to one person through the public bot, as its readers will see it.

    Raises:
        ForPeople: there is no draft, Telegram refuses it, the token is no good, or the person never started the bot.
        Retryable, Uncertain: Telegram is in trouble.
    """
    from pipeline.stages.rendering import render_digest

    digest, bot, token = await _load_draft(tools, run_id)
    courier = await tools.couriers.of(bot.id, token)
    for number, message in enumerate(render_digest(digest, Texts(digest.language))):
        if number:
            await asyncio.sleep(tools.settings.delivery.per_chat_interval_s)
        try:
            await courier.send(user_id, **message.as_kwargs())
        except (Unreachable, Migrated):
            raise ForPeople("approval.start_public_bot", username=f"@{bot.username or bot.slug}") from None
        except TokenRefused:
            raise ForPeople("bots.token_refused") from None
        except MessageRefused as error:
            raise ForPeople("approval.refused", reason=str(error)) from None


async def pause_delivery(tools: Toolbox, run_id: int, actor: Actor) -> bool:
    """Send nothing more until somebody resumes; what is on its way arrives. False: there is nothing to pause."""
    async with tools.database.write() as session:
        run = await _lock(session, run_id)
        if not await runs.set_paused(session, run_id, is_paused=True):
            return False
        await _write_down(session, run, actor, ActionKind.PAUSE_DELIVERY, tools.now())
    return True


async def resume_delivery(tools: Toolbox, run_id: int, actor: Actor) -> bool:
    """Go on with a paused delivery. False: it is not paused."""
    async with tools.database.write() as session:
        run = await _lock(session, run_id)
        if not await runs.set_paused(session, run_id, is_paused=False):
            return False
        await _write_down(session, run, actor, ActionKind.RESUME_DELIVERY, tools.now())
        rings = await ringing.to_ring(session, run_id, tools.now(), again=True)
    await ring_or_leave_it(tools, rings)
    return True


async def resend_uncertain(tools: Toolbox, run_id: int, actor: Actor) -> int:
    """Send once more what may not have arrived: whoever has got it gets it twice. The number of readers.

    Raises:
        ForPeople: another digest of this public bot is being made; one at a time.
    """
    now = tools.now()
    async with tools.database.write() as session:
        run = await _lock(session, run_id)
        digest = await digests.of_run(session, run_id)
        if digest is None or run.state not in {RunState.DONE, RunState.DELIVERING}:
            return 0
        if any(other.id != run_id for other in await runs.going_on(session, run.public_bot_id)):
            raise ForPeople("delivery.another_run_goes_on", slug=run.bot_slug)
        readers = await doubts.resend_unknown(session, digest.id, now)
        if readers == 0:
            return 0
        await runs.transition(
            session, run_id, {RunState.DONE}, RunState.DELIVERING, now, finished_at=None, is_paused=False
        )
        closed = await deliveries.lanes_with_work(session, digest.id) - await work.open_lanes(session, run_id)
        for lane in sorted(closed):
            await work.add(session, run_id, WorkKind.DELIVER, [()], now, lane=lane)
        await cards.reopen(session, run_id)
        ended_before = int(run.state is RunState.DONE)
        await _write_down(session, run, actor, ActionKind.RESEND, now, readers=readers, ended_before=ended_before)
        rings = await ringing.to_ring(session, run_id, now)
    await ring_or_leave_it(tools, rings)
    return readers


async def _lock(session: AsyncSession, run_id: int) -> Run:
    """Raises: ForPeople: there is no such run."""
    if await runs.find(session, run_id) is None:
        raise ForPeople("run.unknown", run=run_id)
    return await runs.lock(session, run_id)


async def _draft(session: AsyncSession, run_id: int) -> Run | None:
    """The run, locked, while its draft waits for a decision."""
    run = await _lock(session, run_id)
    return run if run.state is RunState.AWAITING_APPROVAL else None


async def _put_aside(session: AsyncSession, run: Run, actor: Actor, kind: ActionKind, now: datetime) -> None:
    await runs.cancel(session, run.id, actor.id, now)
    await run_posts.drop_unfinished(session, run.id)
    await _write_down(session, run, actor, kind, now)


async def _write_down(
    session: AsyncSession, run: Run, actor: Actor, kind: ActionKind, now: datetime, **details: str | int
) -> None:
    await operators.write_down(session, actor, kind, now, public_bot_id=run.public_bot_id, run_id=run.id, **details)


async def _load_draft(tools: Toolbox, run_id: int) -> tuple[Digest, PublicBot, str]:
    async with tools.database.read() as session:
        run = await runs.find(session, run_id)
        digest = await digests.of_run(session, run_id)
        if run is None or digest is None:
            raise ForPeople("run.unknown", run=run_id)
        bot = await public_bots.by_id(session, run.public_bot_id)
        token = await public_bots.token(session, run.public_bot_id)
    assert bot is not None
    if token is None:
        raise ForPeople("bots.token_missing")
    return digest, bot, token
