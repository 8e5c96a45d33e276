"""Public bots as operators see them, and their pause. Whoever pauses or resumes first has done it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.errors import ForPeople
from pipeline.stages.schedule import UnusableCron, next_due
from pipeline.toolbox import Toolbox
from storage import operators, public_bots, runs, sources, subscribers
from storage.progress import of_runs
from storage.records import ActionKind, Actor, BotDetails, BotOverview, PublicBot, RunProgress

LAST_ACTIONS = 5


async def load_bots(tools: Toolbox) -> Sequence[BotOverview]:
    """All public bots, by slug.

    Raises:
        ForPeople: there are none.
    """
    async with tools.database.read() as session:
        found = await public_bots.everyone(session)
        readers = await subscribers.count_active(session, [bot.id for bot in found])
    if not found:
        raise ForPeople("digest.no_bots")
    now = tools.now()
    return [BotOverview(bot, readers[bot.id], _next_digest(bot, now)) for bot in found]


async def load_bot(tools: Toolbox, bot_id: int) -> BotDetails | None:
    """Everything about one public bot; None: there is none such."""
    now, defaults = tools.now(), tools.settings.digest
    async with tools.database.read() as session:
        bot = await public_bots.by_id(session, bot_id)
        if bot is None:
            return None
        spec = bot.spec
        readers = await subscribers.count_active(session, [bot.id])
        return BotDetails(
            overview=BotOverview(bot, readers[bot.id], _next_digest(bot, now)),
            sources=tuple(await sources.of_bot(session, bot.id)),
            approval=defaults.approval if spec.approval is None else spec.approval,
            min_posts=defaults.min_posts if spec.min_posts is None else spec.min_posts,
            quiet_day=spec.quiet_day or defaults.quiet_day,
            window_hours=spec.window_hours or defaults.window_hours,
            last_digest=await _last_digest(session, bot),
            actions=tuple(await operators.actions_of_bot(session, bot.id, LAST_ACTIONS)),
        )


async def pause_bot(tools: Toolbox, bot_id: int, actor: Actor) -> bool:
    """Let a public bot be silent: no scheduled digests, no delivery, no answers. False: it is paused already."""
    return await _set_paused(tools, bot_id, actor, ActionKind.PAUSE_BOT)


async def resume_bot(tools: Toolbox, bot_id: int, actor: Actor) -> bool:
    """Let a paused public bot go on. False: it is not paused."""
    return await _set_paused(tools, bot_id, actor, ActionKind.RESUME_BOT)


async def _set_paused(tools: Toolbox, bot_id: int, actor: Actor, kind: ActionKind) -> bool:
    now = tools.now()
    async with tools.database.write() as session:
        if not await public_bots.set_paused(session, bot_id, now, is_paused=kind is ActionKind.PAUSE_BOT):
            return False
        await operators.write_down(session, actor, kind, now, public_bot_id=bot_id)
    return True


async def _last_digest(session: AsyncSession, bot: PublicBot) -> RunProgress | None:
    run = await runs.last_with_digest(session, bot.id)
    return (await of_runs(session, [run]))[0] if run else None


def _next_digest(bot: PublicBot, now: datetime) -> datetime | None:
    """When the schedule wants the next one; of a schedule that cannot be used, operators are told elsewhere."""
    if bot.spec.schedule is None or bot.is_paused:
        return None
    with contextlib.suppress(UnusableCron):
        return next(iter(next_due(bot.spec.schedule, bot.spec.timezone, now, 1)), None)
    return None
