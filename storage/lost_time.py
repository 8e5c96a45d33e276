"""The time between a backup and its restore, of which nobody knows what was given in it.

It is remembered as a cancelled run of each public bot over that period: `/status` shows it. Making again that run, or
one that the restore ended, is how an operator says that its posts are to be given all the same.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from storage.models import ActionRow, RunRow
from storage.records import ActionKind, Period, Run

ORIGIN = "restore"
NOTICE_ENDED, NOTICE_LOST, NOTICE_HELD_BACK = "restored", "lost_time", "held_back"


async def lost_period(session: AsyncSession, public_bot_id: int) -> Period | None:
    """The latest period of this public bot in which something may have been given that was forgotten."""
    query = (
        select(RunRow.period_start, RunRow.period_end)
        .where(RunRow.public_bot_id == public_bot_id, RunRow.origin == literal_column(f"'{ORIGIN}'"))
        .order_by(RunRow.period_end.desc(), RunRow.id.desc())
        .limit(1)
    )
    row = (await session.execute(query)).first()
    return Period(*row) if row else None


async def held_back_before(session: AsyncSession, run: Run) -> datetime | None:
    """What was published before this may have been given, so this run leaves it out. None: it gives everything."""
    lost = await lost_period(session, run.public_bot_id)
    if lost is None or await _is_an_operators_word(session, run):
        return None
    return lost.end


async def note_held_back(session: AsyncSession, run_id: int, before: datetime) -> None:
    """Where a run reaches back so far, its card says why it left posts out."""
    await session.execute(
        update(RunRow)
        .where(RunRow.id == run_id, RunRow.period_start < before, RunRow.notice.is_(None))
        .values(notice=NOTICE_HELD_BACK, version=RunRow.version + 1)
    )


async def _is_an_operators_word(session: AsyncSession, run: Run) -> bool:
    """Whether an operator made again a run that a restore ended, and this is that run or one made anew of it."""
    ended, again = aliased(RunRow), aliased(RunRow)
    query = (
        exists()
        .where(
            ActionRow.kind == ActionKind.RETRY,
            ActionRow.run_id == again.id,
            ended.notice.in_((NOTICE_ENDED, NOTICE_LOST)),
            ended.id < again.id,
            again.id <= run.id,
            *(one.public_bot_id == run.public_bot_id for one in (ended, again)),
            *(one.period_start == run.period.start for one in (ended, again)),
            *(one.period_end == run.period.end for one in (ended, again)),
        )
        .select()
    )
    return bool((await session.execute(query)).scalar_one())
