"""Tries of the model that operators ask for: one row each, begun by one worker, ended by whoever comes first."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.inserting import insert
from storage.models import SelfTestRow
from storage.records import Failure, SelfTest
from storage.runs import changed_rows


async def ask(session: AsyncSession, now: datetime, open_since: datetime) -> tuple[SelfTest, bool]:
    """A self-test to wait for, and whether it is a new one: who asks while one goes on waits for the same. One that was
    asked for before `open_since` is not waited for any more."""
    query = (
        select(SelfTestRow)
        .where(SelfTestRow.finished_at.is_(None), SelfTestRow.asked_at.between(open_since, now))
        .order_by(SelfTestRow.id.desc())
        .limit(1)
    )
    row = (await session.execute(query)).scalar_one_or_none()
    if row is not None:
        return _self_test(row), False
    added = await session.execute(insert(session, SelfTestRow).values(asked_at=now).returning(SelfTestRow.id))
    return SelfTest(added.scalar_one(), now), True


async def begin(session: AsyncSession, self_test_id: int, worker: str, now: datetime, open_since: datetime) -> bool:
    """Begin with it. False: somebody has, or nobody waits for it any more."""
    result = await session.execute(
        update(SelfTestRow)
        .where(
            SelfTestRow.id == self_test_id,
            SelfTestRow.started_at.is_(None),
            SelfTestRow.finished_at.is_(None),
            SelfTestRow.asked_at >= open_since,
        )
        .values(started_at=now, worker=worker)
    )
    return changed_rows(result) == 1


async def finish(
    session: AsyncSession,
    self_test_id: int,
    now: datetime,
    failure: Failure | None = None,
    *,
    model: str | None = None,
    duration_ms: int | None = None,
) -> bool:
    """End it: it worked, or why it did not. False: it has ended already, and stays as it is."""
    said = {"message_id": failure.message_id, "params": dict(failure.params)} if failure else None
    result = await session.execute(
        update(SelfTestRow)
        .where(SelfTestRow.id == self_test_id, SelfTestRow.finished_at.is_(None))
        .values(finished_at=now, failure=said, model=model, duration_ms=duration_ms)
    )
    return changed_rows(result) == 1


async def find(session: AsyncSession, self_test_id: int) -> SelfTest | None:
    row = await session.get(SelfTestRow, self_test_id, populate_existing=True)
    return _self_test(row) if row else None


def _self_test(row: SelfTestRow) -> SelfTest:
    failure = Failure(row.failure["message_id"], row.failure["params"]) if row.failure else None
    return SelfTest(
        row.id, row.asked_at, row.started_at, row.finished_at, row.worker, row.model, row.duration_ms, failure
    )
