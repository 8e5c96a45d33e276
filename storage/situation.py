"""What whoever watches an installation asks of its rows every few seconds: cheap, however much is stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import DeliveryRow, DigestRow, PublicBotRow, RunRow, WorkRow
from storage.records import ENDED, DeliveryState, RunState, WorkKind, WorkState
from storage.runs import GOING_ON

MOST_DUE = 10_000
LATEST_DIGESTS = 300
BEFORE_DELIVERY = frozenset(RunState) - ENDED - {RunState.AWAITING_APPROVAL, RunState.DELIVERING}


async def going_on_by_state(session: AsyncSession) -> Mapping[RunState, int]:
    """How many runs go on in each of the states in which any does."""
    query = select(RunRow.state, func.count()).where(GOING_ON).group_by(RunRow.state)
    return {RunState(state): number for state, number in await session.execute(query)}


async def oldest_due(session: AsyncSession, now: datetime) -> Mapping[WorkKind, datetime]:
    """Since when the oldest work of each kind that is due waits to be claimed; of the 10,000 oldest pieces."""
    due = (
        select(WorkRow.kind, WorkRow.due_at)
        .join(RunRow, RunRow.id == WorkRow.run_id)
        .where(WorkRow.state == WorkState.PENDING, WorkRow.due_at <= now, GOING_ON, RunRow.is_paused.is_(False))
        .order_by(WorkRow.due_at)
        .limit(MOST_DUE)
        .subquery()
    )
    query = select(due.c.kind, func.min(due.c.due_at)).group_by(due.c.kind)
    return {WorkKind(kind): due_at for kind, due_at in await session.execute(query)}


async def deliveries_in_doubt(session: AsyncSession, lanes: int) -> int:
    """Messages of the latest digests whose fate nobody knows. `lanes` is how many a delivery has at most: with them the
    index is asked for each digest's few, instead of reading all messages there ever were."""
    latest = select(DigestRow.id).order_by(DigestRow.id.desc()).limit(LATEST_DIGESTS)
    query = select(func.count()).where(
        DeliveryRow.digest_id.in_(latest),
        DeliveryRow.lane.in_(range(lanes)),
        DeliveryRow.state == DeliveryState.UNKNOWN,
    )
    return (await session.execute(query)).scalar_one()


async def token_faults(session: AsyncSession) -> int:
    """Public bots whose token cannot be used; one that is paused needs none."""
    query = select(func.count()).where(PublicBotRow.token_fault.is_not(None), PublicBotRow.is_paused.is_(False))
    return (await session.execute(query)).scalar_one()


async def late_bots(session: AsyncSession, now: datetime, patience: timedelta) -> set[int]:
    """Public bots whose run was to publish longer ago than that, and is still being made."""
    query = select(RunRow.public_bot_id).where(
        GOING_ON, RunRow.state.in_(sorted(BEFORE_DELIVERY)), RunRow.publish_at < now - patience
    )
    return set((await session.execute(query)).scalars())
