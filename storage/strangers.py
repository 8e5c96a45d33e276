"""People who are no operators and tried the admin bot all the same. Who stays away for a day is forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.inserting import insert
from storage.models import StrangerRow
from storage.records import StrangerCount

FORGOTTEN_AFTER = timedelta(days=1)
MOST_KEPT = 10_000


async def note(session: AsyncSession, times: Mapping[int, int], now: datetime) -> None:
    """Add how often each of these users tried; of all strangers the last `MOST_KEPT` are kept."""
    statement = insert(session, StrangerRow)
    added = {"times": StrangerRow.times + statement.excluded.times, "seen_at": statement.excluded.seen_at}
    rows = [{"user_id": user_id, "times": number, "seen_at": now} for user_id, number in times.items()]
    await session.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=added), rows)
    await session.execute(delete(StrangerRow).where(StrangerRow.seen_at < now - FORGOTTEN_AFTER))
    surplus = select(StrangerRow.user_id).order_by(StrangerRow.seen_at.desc(), StrangerRow.user_id).offset(MOST_KEPT)
    await session.execute(delete(StrangerRow).where(StrangerRow.user_id.in_(surplus)))


async def of_the_last_day(session: AsyncSession, now: datetime) -> StrangerCount:
    """How many strangers came in the last day, and how often they tried in all."""
    query = select(func.count(), func.coalesce(func.sum(StrangerRow.times), 0))
    people, times = (await session.execute(query.where(StrangerRow.seen_at >= now - FORGOTTEN_AFTER))).one()
    return StrangerCount(people, int(times))
