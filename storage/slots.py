"""Slots: the times at which a public bot's schedule wanted a digest. One that is taken is done, whatever came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.inserting import insert
from storage.models import PublicBotRow, SlotRow


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A public bot whose schedule is in force `since` then; `last` is the latest slot that was taken."""

    public_bot_id: int
    slug: str
    cron: str
    timezone: str
    since: datetime
    last: datetime | None


async def scheduled(session: AsyncSession) -> Sequence[Scheduled]:
    """Every public bot that has a schedule and is not paused."""
    last = select(func.max(SlotRow.due_at)).where(SlotRow.public_bot_id == PublicBotRow.id).scalar_subquery()
    query = (
        select(
            PublicBotRow.id,
            PublicBotRow.slug,
            PublicBotRow.schedule,
            PublicBotRow.timezone,
            PublicBotRow.schedule_since,
            last,
        )
        .where(PublicBotRow.is_paused.is_(False))
        .order_by(PublicBotRow.id)
    )
    return [
        Scheduled(bot_id, slug, cron, timezone, since, taken)
        for bot_id, slug, cron, timezone, since, taken in await session.execute(query)
        if cron is not None and since is not None
    ]


async def take(session: AsyncSession, public_bot_id: int, due_at: datetime, now: datetime) -> bool:
    """Take a slot. False: somebody has taken it."""
    row = {"public_bot_id": public_bot_id, "due_at": due_at, "created_at": now}
    statement = insert(session, SlotRow).values(row).on_conflict_do_nothing().returning(SlotRow.due_at)
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def made_by(session: AsyncSession, public_bot_id: int, due_at: datetime, run_id: int) -> None:
    """The run that makes the slot's digest."""
    which = (SlotRow.public_bot_id == public_bot_id) & (SlotRow.due_at == due_at)
    await session.execute(update(SlotRow).where(which).values(run_id=run_id))
