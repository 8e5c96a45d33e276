"""What the rows of an installation say of how it works, read in one session."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.checks.seen import DeskSeen, Owed
from pipeline.stages.delivery import MOST_LANES
from pipeline.stages.schedule import UnusableCron
from pipeline.stages.slots import due_slot
from storage import looking, providers, public_bots, runs, situation, slots, workers
from storage.database import Database
from storage.slots import Scheduled

PATIENCE = timedelta(minutes=2)  # with a digest that is due


async def look(database: Database, models: Collection[str], now: datetime) -> DeskSeen:
    """`models` are the names of those that the settings have."""
    async with database.read() as session:
        return DeskSeen(
            now=now,
            installation=await looking.installation_name(session),
            workers=tuple(await workers.everyone(session)),
            leases=await looking.leases(session),
            oldest_due=await situation.oldest_due(session, now),
            tokens=tuple(await public_bots.to_serve(session)),
            paused_tokens=await looking.paused_with_token(session),
            blocked=await providers.blocked(session, models),
            in_doubt=await situation.deliveries_in_doubt(session, MOST_LANES),
            owed=await _owed(session, now),
        )


async def _owed(session: AsyncSession, now: datetime) -> tuple[Owed, ...]:
    """Scheduled digests that nobody has begun with, though no other run of their bot is in the way."""
    busy = {run.public_bot_id for run in await runs.going_on(session)}
    found = []
    for bot in await slots.scheduled(session):
        due = _due(bot, now)
        if due is not None and bot.public_bot_id not in busy:
            found.append(Owed(bot.slug, due))
    return tuple(found)


def _due(bot: Scheduled, now: datetime) -> datetime | None:
    """A schedule that cannot be read is told to the operators by the tick, and wants nothing."""
    try:
        return due_slot(bot.cron, bot.timezone, since=bot.since, last=bot.last, now=now, lead=-PATIENCE)
    except (UnusableCron, ZoneInfoNotFoundError):
        return None
