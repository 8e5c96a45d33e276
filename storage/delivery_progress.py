"""How far deliveries have got, and what is in doubt of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.deliveries import WAITING
from storage.models import DeliveryRow, DigestRow
from storage.records import DeliveryProgress, DeliveryState


async def progress(session: AsyncSession, run_ids: Collection[int]) -> Mapping[int, DeliveryProgress]:
    """How far each run's digest has got to its readers; a run whose delivery has not begun is not in the answer."""

    def has(*states: DeliveryState) -> ColumnElement[int]:
        return func.max(case((DeliveryRow.state.in_(states), 1), else_=0))

    failed = case((DeliveryRow.state == DeliveryState.FAILED, DeliveryRow.reason))
    readers = (
        select(
            DigestRow.run_id.label("run_id"),
            has(*WAITING).label("waiting"),
            has(DeliveryState.UNKNOWN).label("uncertain"),
            has(DeliveryState.FAILED).label("failed"),
            func.min(failed).label("reason"),
        )
        .join(DigestRow, DigestRow.id == DeliveryRow.digest_id)
        .where(DigestRow.run_id.in_(sorted(run_ids)))
        .group_by(DigestRow.run_id, DeliveryRow.subscriber_id)
        .subquery()
    )
    fate = case(
        (readers.c.waiting == 1, "waiting"),
        (readers.c.uncertain == 1, "uncertain"),
        (readers.c.failed == 1, "failed"),
        else_="delivered",
    ).label("fate")
    query = select(readers.c.run_id, fate, readers.c.reason, func.count()).group_by(
        readers.c.run_id, fate, readers.c.reason
    )
    counts: defaultdict[int, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    reasons: defaultdict[int, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for run_id, name, reason, number in await session.execute(query):
        counts[run_id][name] += number
        if name == "failed":
            reasons[run_id][(reason or "").partition(":")[0]] += number
    return {run_id: DeliveryProgress(**counts[run_id], reasons=dict(reasons[run_id])) for run_id in counts}
