"""The time between a backup and its restore, of which nobody knows what was given in it.

It is remembered as a cancelled run of each public bot over that period: `/status` shows it, and making that run again
is how an operator says that its posts are to be given all the same.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import RunRow
from storage.records import Period

ORIGIN = "restore"


async def lost_period(session: AsyncSession, public_bot_id: int) -> Period | None:
    """The latest period of this public bot in which something may have been given that was forgotten."""
    query = (
        select(RunRow.period_start, RunRow.period_end)
        .where(RunRow.public_bot_id == public_bot_id, RunRow.origin == ORIGIN)
        .order_by(RunRow.period_end.desc(), RunRow.id.desc())
        .limit(1)
    )
    row = (await session.execute(query)).first()
    return Period(*row) if row else None
