"""Ringing for work that waits, is due, and was not rung for. It is marked as rung for; ring after the commit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.claimable import CLAIMABLE, CLOCKS_DIFFER, IS_DUE, at, free
from storage.models import DigestRow, RunRow, WorkRow
from storage.records import Engine, Ring, WorkKind, WorkState
from storage.runs import GOING_ON

MOST_PARAMETERS = 10_000  # in one statement; SQLite takes 32,766, PostgreSQL 65,535


async def due(session: AsyncSession, engine: Engine, now: datetime, limit: int) -> Sequence[Ring]:
    """Work of an engine's runs that can be claimed, oldest first."""
    query = _rings().where(CLAIMABLE, RunRow.engine == engine).order_by(WorkRow.id).limit(limit)
    return [_ring(*row) for row in await session.execute(query, at(now))]


async def due_unheard(
    session: AsyncSession, engine: Engine, now: datetime, heard_before: datetime | None = None
) -> Sequence[Ring]:
    """Work that is due and was not rung for since it became due, or, where given, not since `heard_before`."""
    unheard = _not_rung_for(now)
    if heard_before is not None:
        unheard = or_(unheard, WorkRow.rung_at < heard_before)
    query = (
        _rings()
        .where(
            WorkRow.state == WorkState.PENDING,
            IS_DUE,
            RunRow.engine == engine,
            GOING_ON,
            RunRow.is_paused.is_(False),
            unheard,
        )
        .order_by(WorkRow.id)
        .limit(1000)
    )
    return [_ring(*row) for row in await session.execute(query, at(now))]


async def to_ring(session: AsyncSession, run_id: int, now: datetime, *, again: bool = False) -> Sequence[Ring]:
    """The run's work that waits, is due and was never rung for; `again`: or that was. Marked: ring after the commit."""
    query = (
        _rings()
        .where(WorkRow.run_id == run_id, WorkRow.state == WorkState.PENDING, IS_DUE, GOING_ON)
        .where(RunRow.is_paused.is_(False))
        .order_by(WorkRow.crashes, WorkRow.id)
    )
    if not again:
        query = query.where(_not_rung_for(now))
    rings = [_ring(*row) for row in await session.execute(query, at(now))]
    await mark_rung(session, [ring.work_id for ring in rings], now)
    return rings


async def next_suspect(session: AsyncSession) -> Sequence[Ring]:
    """The next piece of work, if any, that has killed a process and waits for its turn to be tried by itself."""
    query = (
        _rings()
        .where(WorkRow.state == WorkState.PENDING, WorkRow.crashes > 0, GOING_ON)
        .order_by(WorkRow.crashes, WorkRow.id)
        .limit(1)
    )
    return [_ring(*row) for row in await session.execute(query)]


async def mark_rung(session: AsyncSession, work_ids: Sequence[int], now: datetime) -> None:
    for start in range(0, len(work_ids), MOST_PARAMETERS):
        some = work_ids[start : start + MOST_PARAMETERS]
        await session.execute(update(WorkRow).where(free(WorkRow.id.in_(some))).values(rung_at=now))


def _not_rung_for(now: datetime) -> ColumnElement[bool]:
    """Since it became due; what was rung for at a time that is still to come was so before a clock was set back."""
    return or_(WorkRow.rung_at.is_(None), WorkRow.rung_at < WorkRow.due_at, WorkRow.rung_at > now + CLOCKS_DIFFER)


def _rings() -> Select[int, int, str, str, int | None]:
    return (
        select(WorkRow.id, WorkRow.run_id, WorkRow.kind, RunRow.engine, DigestRow.id)
        .join(RunRow, RunRow.id == WorkRow.run_id)
        .outerjoin(DigestRow, DigestRow.run_id == WorkRow.run_id)
    )


def _ring(work_id: int, run_id: int, kind: str, engine: str, digest_id: int | None) -> Ring:
    return Ring(work_id=work_id, run_id=run_id, kind=WorkKind(kind), engine=Engine(engine), digest_id=digest_id)
