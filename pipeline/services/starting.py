"""Starting and ending runs on an operator's word."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.errors import BrokerUnavailable, ForPeople
from pipeline.log_marks import about
from pipeline.services.advancing import end_delivery
from pipeline.stages.periods import parse_period, since
from pipeline.toolbox import Toolbox
from storage import cards, operators, public_bots, ringing, run_posts, runs, work
from storage.lost_time import lost_period
from storage.records import COMMAND_LINE, ActionKind, Actor, Engine, NewRun, Period, PublicBot, Run, Unreached, WorkKind

log = logging.getLogger(__name__)

MOST_POSTS = 200
NOTICE_BROKER_LOST = "broker_lost"


@dataclass(frozen=True, slots=True)
class Order:
    """What an operator asked for: a public bot, a period in words or None, a number of posts or None."""

    bot_slug: str
    period: str | None = None
    limit: int | None = None
    deliver: bool = True
    origin: str = "cli"
    chat_id: int | None = None
    message_id: int | None = None
    actor: Actor = COMMAND_LINE
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Started:
    """`is_new` False: that run was going on already, or this very command has started it before.

    `replaced_message_id` is the chat's former card of that run, which a new one follows.
    """

    run: Run
    is_new: bool
    replaced_message_id: int | None = None


async def start_run(tools: Toolbox, order: Order) -> Started:
    """Store the run and the card that follows it; `ring_for` makes somebody begin.

    Raises:
        ForPeople: no such public bot, no period, no number, or the bot has no sources.
    """
    now = tools.now()
    bot = await find_bot(tools, order.bot_slug)
    check_limit(order.limit)
    if not bot.spec.sources:
        raise ForPeople("digest.no_sources", slug=bot.slug)
    period = await _period(tools, bot, order.period, now)
    new = replace(
        new_run(tools, bot, period, order.origin, order.limit),
        chat_id=order.chat_id,
        message_id=order.message_id,
        requested_by=order.actor.id,
        deliver=order.deliver,
    )
    async with tools.database.write() as session:
        return await enter(session, new, now, order.actor, order.language)


async def enter(
    session: AsyncSession, new: NewRun, now: datetime, actor: Actor, language: str, kind: ActionKind = ActionKind.START
) -> Started:
    """Store a run that somebody asked for: with a card in their chat, and written down as theirs."""
    run, is_new = await store_run(session, new, now)
    if is_new:
        await operators.write_down(session, actor, kind, now, public_bot_id=run.public_bot_id, run_id=run.id)
    replaced = None
    if new.chat_id is not None and not await cards.ensure(session, run.id, new.chat_id, language, now):
        replaced = await cards.show_again(session, run.id, new.chat_id)
    return Started(run, is_new, replaced)


def new_run(tools: Toolbox, bot: PublicBot, period: Period, origin: str, limit: int | None = None) -> NewRun:
    """A run of this public bot as it and the settings want it; with a limit that is lower than their least number of
    posts, so many are enough."""
    post_limit = limit or bot.spec.max_posts_per_digest
    min_posts = bot.spec.min_posts if bot.spec.min_posts is not None else tools.settings.digest.min_posts
    return NewRun(
        public_bot_id=bot.id,
        period=period,
        post_limit=post_limit,
        min_posts=max(1, min(min_posts, post_limit)),
        engine=Engine(tools.settings.engine.mode),
        provider=tools.model.provider,
        model=tools.model.name,
        origin=origin,
    )


async def store_run(session: AsyncSession, new: NewRun, now: datetime) -> tuple[Run, bool]:
    """Store a run and its planning work. False: there is another in its place, which is returned."""
    run, is_new = await runs.create(session, new, now)
    if is_new:
        await work.add(session, run.id, WorkKind.PLAN, [()], now)
    return run, is_new


async def usual_period(session: AsyncSession, tools: Toolbox, bot: PublicBot, now: datetime) -> Period:
    """What came since this public bot's last digest, known or forgotten, at most its window."""
    last_end = await runs.last_given_period_end(session, bot.id)
    lost = await lost_period(session, bot.id)
    if lost is not None:
        last_end = max(lost.end, last_end or lost.end)
    period = since(last_end, bot.spec.window_hours or tools.settings.digest.window_hours, now)
    return replace(period, late_since=await runs.last_given_at(session, bot.id))


async def ring_for(tools: Toolbox, run: Run) -> None:
    """Make somebody work on a run: a worker, or this process where the broker cannot be reached.

    Raises:
        BrokerUnavailable: it cannot be reached, and this process has no engine or may not use it.
    """
    async with tools.database.write() as session:
        rings = await ringing.to_ring(session, run.id, tools.now(), again=True)
    try:
        await tools.doorbell.ring(rings)
    except BrokerUnavailable as error:
        if not (tools.settings.engine.fallback and tools.has_local_engine):
            raise
        with about(run=run.id, bot=run.bot_slug):
            log.warning("The broker cannot be reached (%s): the run is done in this process.", error)
        async with tools.database.write() as session:
            await runs.switch_engine(session, run.id, Engine.LOCAL, NOTICE_BROKER_LOST)


async def cancel_run(tools: Toolbox, run_id: int, actor: Actor) -> bool:
    """End a run at once: nothing of it is asked or saved any more. False: it had ended.

    Raises:
        ForPeople: there is no such run.
    """
    async with tools.database.write() as session:
        run = await runs.find(session, run_id)
        if run is None:
            raise ForPeople("run.unknown", run=run_id)
        if not await runs.cancel(session, run_id, actor.id, tools.now()):
            return False
        await operators.write_down(
            session, actor, ActionKind.CANCEL, tools.now(), public_bot_id=run.public_bot_id, run_id=run_id
        )
        await work.cancel_all(session, run_id)
        await run_posts.drop_unfinished(session, run_id)
        await end_delivery(session, run_id, Unreached.CANCELLED, tools.now())
    return True


def check_limit(limit: int | None) -> None:
    """Raises: ForPeople: a digest cannot have so many posts."""
    if limit is not None and not 1 <= limit <= MOST_POSTS:
        raise ForPeople("digest.bad_limit", limit=limit)


async def list_bots(tools: Toolbox) -> Sequence[PublicBot]:
    """All public bots.

    Raises:
        ForPeople: there are none.
    """
    async with tools.database.read() as session:
        bots = await public_bots.everyone(session)
    if not bots:
        raise ForPeople("digest.no_bots")
    return bots


async def find_bot(tools: Toolbox, slug: str) -> PublicBot:
    """The public bot of that slug.

    Raises:
        ForPeople: there is none.
    """
    async with tools.database.read() as session:
        bot = await public_bots.by_slug(session, slug)
    if bot is None:
        known = ", ".join(one.slug for one in await list_bots(tools))
        raise ForPeople("digest.unknown_bot", slug=slug, known=known)
    return bot


async def _period(tools: Toolbox, bot: PublicBot, words: str | None, now: datetime) -> Period:
    if words:
        return parse_period(words, bot.spec.timezone, now)
    async with tools.database.read() as session:
        return await usual_period(session, tools, bot, now)
