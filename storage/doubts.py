"""Messages whose fate nobody knows: how they come to be in doubt, and what an operator may do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, exists, func, literal, literal_column, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from storage.deliveries import NEXT_PART, execute_many, next_part, of_lane
from storage.models import DeliveryRow, DigestRow, PublicBotRow, RunRow, SubscriberRow, UtcDateTime
from storage.records import ENDED, DeliveryState, Doubt

# Written out: SQLite finds the index of the few that are on their way only where the state is no parameter.
SENDING = DeliveryRow.state == literal_column(f"'{DeliveryState.SENDING}'")
NEVER_LASTS_LONGER = timedelta(minutes=5)  # a call, with all that is done around it


async def listed(session: AsyncSession, run_id: int, limit: int) -> Sequence[Doubt]:
    """The parts of a run's digest whose fate nobody knows."""
    query = (
        select(DeliveryRow.chat_id, SubscriberRow.title, DeliveryRow.part, DeliveryRow.started_at)
        .join(DigestRow, DigestRow.id == DeliveryRow.digest_id)
        .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
        .where(DigestRow.run_id == run_id, DeliveryRow.state == DeliveryState.UNKNOWN)
        .order_by(DeliveryRow.id)
        .limit(limit)
    )
    return [Doubt(*row) for row in await session.execute(query)]


async def on_the_way(session: AsyncSession, digest_id: int, lane: int) -> bool:
    """Whether something of this lane is marked as being sent."""
    query = select(DeliveryRow.id).where(of_lane(digest_id, lane), DeliveryRow.state == DeliveryState.SENDING)
    return (await session.execute(query.limit(1))).first() is not None


async def doubt_lane(session: AsyncSession, digest_id: int, lane: int, next_part_at: datetime) -> int:
    """Whoever sent this lane's parcels is gone: nobody knows what became of those that were on their way. How many."""
    return len(await _doubt(session, of_lane(digest_id, lane), next_part_at))


async def has_orphans(session: AsyncSession, now: datetime) -> bool:
    """Whether something has been on its way for so long that no call can still be going on, of a run that has ended."""
    which = _orphaned(now) & SENDING
    return (await session.execute(select(DeliveryRow.id).where(which).limit(1))).first() is not None


async def doubt_orphans(session: AsyncSession, now: datetime) -> Mapping[str, int]:
    """Nobody knows what became of these. How many of each public bot, by slug."""
    lost = Counter(row.digest_id for row in await _doubt(session, _orphaned(now), None))
    query = (
        select(DigestRow.id, PublicBotRow.slug)
        .join(PublicBotRow, PublicBotRow.id == DigestRow.public_bot_id)
        .where(DigestRow.id.in_(sorted(lost)))
    )
    counts: Counter[str] = Counter()
    for digest_id, slug in await session.execute(query):
        counts[slug] += lost[digest_id]
    return counts


async def resend_unknown(session: AsyncSession, digest_id: int, now: datetime) -> int:
    """Let what is in doubt be sent once more, on an operator's word. The number of readers.

    A part whose part before is sent again, too, becomes due when that one has ended.
    """
    which = (DeliveryRow.digest_id == digest_id) & (DeliveryRow.state == DeliveryState.UNKNOWN)
    readers = (
        await session.execute(select(func.count(DeliveryRow.subscriber_id.distinct())).where(which))
    ).scalar_one()
    before = aliased(DeliveryRow)
    follows = exists().where(
        before.digest_id == DeliveryRow.digest_id,
        before.subscriber_id == DeliveryRow.subscriber_id,
        before.part == DeliveryRow.part - 1,
        before.state == DeliveryState.UNKNOWN,
    )
    due_at = case((follows, null()), else_=literal(now, UtcDateTime()))
    await session.execute(update(DeliveryRow).where(which).values(due_at=due_at))
    await session.execute(update(DeliveryRow).where(which).values(state=DeliveryState.PENDING))
    return readers


def _orphaned(now: datetime) -> ColumnElement[bool]:
    has_ended = exists().where(
        DigestRow.id == DeliveryRow.digest_id, RunRow.id == DigestRow.run_id, RunRow.state.in_(sorted(ENDED))
    )
    cannot_go_on = or_(
        DeliveryRow.started_at < now - NEVER_LASTS_LONGER, DeliveryRow.started_at > now + NEVER_LASTS_LONGER
    )
    return cannot_go_on & has_ended


async def _doubt(
    session: AsyncSession, which: ColumnElement[bool], next_part_at: datetime | None
) -> Sequence[DeliveryRow]:
    """`sending` becomes `unknown`; the parts after it go on all the same, where they are to."""
    on_the_way = which & SENDING
    lost = (await session.execute(select(DeliveryRow).where(on_the_way))).scalars().all()
    await session.execute(
        update(DeliveryRow)
        .where(on_the_way)
        .values(state=DeliveryState.UNKNOWN)
        .execution_options(synchronize_session=False)
    )
    if next_part_at is not None:
        await execute_many(session, NEXT_PART, [next_part(row, next_part_at) for row in lost])
    return lost
