"""For which run a task works, by what the task was told."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from storage.models import DigestRow, PublicBotRow, RunRow, WorkRow
from storage.records import RunOfTask, WorkKind

OF_A_RUN, OF_A_DIGEST = WorkKind.PLAN, WorkKind.DELIVER


async def runs_of_tasks(
    session: AsyncSession, tasks: Collection[tuple[str, int]]
) -> Mapping[tuple[str, int], RunOfTask]:
    """By name and number of the task; what no row knows is left out."""
    found: dict[tuple[str, int], RunOfTask] = {}
    for kind in WorkKind:
        numbers = {number for name, number in tasks if name == kind.value}
        if numbers:
            found |= {(kind.value, number): run for number, run in (await _runs(session, kind, numbers)).items()}
    return found


async def _runs(session: AsyncSession, kind: WorkKind, numbers: Collection[int]) -> Mapping[int, RunOfTask]:
    told: InstrumentedAttribute[int] = {OF_A_RUN: RunRow.id, OF_A_DIGEST: DigestRow.id}.get(kind, WorkRow.id)
    query = select(told, RunRow.id, PublicBotRow.slug).join(PublicBotRow, PublicBotRow.id == RunRow.public_bot_id)
    if kind is OF_A_DIGEST:
        query = query.join(DigestRow, DigestRow.run_id == RunRow.id)
    elif kind is not OF_A_RUN:
        query = query.join(WorkRow, WorkRow.run_id == RunRow.id)
    is_told: ColumnElement[bool] = told.in_(sorted(numbers))
    return {number: RunOfTask(run_id, slug) for number, run_id, slug in await session.execute(query.where(is_told))}
