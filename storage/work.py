"""Work: the claimable pieces of a run.

Whoever changes a run and its work in one transaction locks the run first; what changes many pieces of work without the
run passes over those that somebody else has locked: so PostgreSQL never finds two that wait for each other.

A claim is one conditional UPDATE; it holds for a lease, and everything saved for it carries its fencing number. Whoever
lost a claim meanwhile cannot save (`LostClaim`), and the transaction is rolled back as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Update, and_, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningUpdate

from storage.claim_statements import (
    CLAIM,
    CLAIM_INNOCENT,
    CLAIM_INNOCENTS,
    END_CLAIM,
    FINISH,
    IS_ANY_OPEN,
    STILL_MINE,
    WORK,
    WORK_COLUMNS,
)
from storage.claimable import CLAIMABLE, CLOCKS_DIFFER, at, free
from storage.models import DigestRow, WorkRow
from storage.records import Work, WorkKind, WorkState
from storage.runs import changed_rows

LEASE = timedelta(seconds=30)
FRESH = timedelta(seconds=0.5)
ASKED_OF_A_MODEL = frozenset({WorkKind.CATEGORIZE, WorkKind.SUMMARIZE})
SUSPECTS_LOCK = 0x53757370  # any constant but storage.schema's


class LostClaim(Exception):
    """The claim is no longer ours: its lease ran out, or its run has ended. What was thought out is dropped."""


async def add(
    session: AsyncSession,
    run_id: int,
    kind: WorkKind,
    batches: Sequence[Sequence[int]],
    now: datetime,
    *,
    failures: int = 0,
    lane: int | None = None,
) -> None:
    """Enter one piece of work for each batch of post ids, with the failures it has behind it."""
    rows = [
        {
            "run_id": run_id,
            "kind": kind,
            "state": WorkState.PENDING,
            "post_ids": list(batch),
            "lane": lane,
            "fence": 0,
            "failures": failures,
            "crashes": 0,
            "retries": 0,
            "due_at": now,
            "created_at": now,
        }
        for batch in batches
    ]
    if rows:
        await (await session.connection()).execute(insert(WORK), rows)


async def claim(session: AsyncSession, work_id: int, owner: str, now: datetime) -> Work | None:
    """Take this piece of work, if it waits, is due, and its run goes on."""
    await _queue_up_if_suspect(session, work_id)
    return await _claim(session, CLAIM, work_id, owner, now)


async def claim_innocent(session: AsyncSession, work_ids: Sequence[int], owner: str, now: datetime) -> dict[int, Work]:
    """Take those of these pieces of work that can be claimed and have killed no process before; by id."""
    if len(work_ids) == 1:
        claimed = await _claim(session, CLAIM_INNOCENT, work_ids[0], owner, now)
        return {claimed.id: claimed} if claimed else {}
    values = {"works": sorted(set(work_ids)), "new_owner": owner, "until": now + LEASE, **at(now)}
    return {row.id: _work(row) for row in await session.execute(CLAIM_INNOCENTS, values)}


async def is_suspect(session: AsyncSession, work_id: int) -> bool | None:
    """Whether this work has killed a process that asked a model for it; None where no model is asked."""
    query = select(WorkRow.crashes > 0).where(WorkRow.id == work_id, WorkRow.kind.in_(sorted(ASKED_OF_A_MODEL)))
    return (await session.execute(query)).scalar_one_or_none()


async def plan_of(session: AsyncSession, run_id: int) -> int | None:
    """The id of the run's planning work."""
    query = select(WorkRow.id).where(WorkRow.run_id == run_id, WorkRow.kind == WorkKind.PLAN)
    return (await session.execute(query)).scalar_one_or_none()


async def free_lanes(session: AsyncSession, digest_id: int, now: datetime) -> Sequence[int]:
    """The ids of a digest's delivering work that can be claimed."""
    of_digest = select(DigestRow.run_id).where(DigestRow.id == digest_id)
    query = select(WorkRow.id).where(WorkRow.run_id.in_(of_digest), WorkRow.kind == WorkKind.DELIVER, CLAIMABLE)
    return (await session.execute(query, at(now))).scalars().all()


async def open_lanes(session: AsyncSession, run_id: int) -> set[int]:
    """The lanes of a run's delivery that somebody works on or will."""
    query = select(WorkRow.lane).where(
        WorkRow.run_id == run_id,
        WorkRow.kind == WorkKind.DELIVER,
        WorkRow.lane.is_not(None),
        WorkRow.state.in_([WorkState.PENDING, WorkState.CLAIMED]),
    )
    return {lane for lane in (await session.execute(query)).scalars() if lane is not None}


def is_fresh(work: Work, now: datetime) -> bool:
    """Whether it was claimed a moment ago, by this process."""
    return work.lease_until is not None and timedelta() <= now - (work.lease_until - LEASE) < FRESH


async def still_mine(session: AsyncSession, work: Work) -> bool:
    """Whether the claim holds: asked before each model call, so that none is made for a run that was cancelled."""
    return (await session.execute(STILL_MINE, _claim_of(work))).scalar_one_or_none() is not None


async def finish(session: AsyncSession, work: Work) -> None:
    """The work is done.

    Raises:
        LostClaim: it is no longer ours.
    """
    await _end_claim(session, work, FINISH)


async def finish_all(session: AsyncSession, claimed: Sequence[Work]) -> None:
    """All of this work is done.

    Raises:
        LostClaim: some of it is no longer ours.
    """
    if len(claimed) == 1:
        await finish(session, claimed[0])
        return
    done = await (await session.connection()).execute(FINISH, [_claim_of(work) for work in claimed])
    if changed_rows(done) != len(claimed):
        raise LostClaim(f"some of {len(claimed)} claims of run {claimed[0].run_id}")


async def put_off(
    session: AsyncSession, work: Work, due_at: datetime, *, reason: str, failures: int = 0, retries: int = 0
) -> None:
    """Give the work back, to be claimed again from `due_at` on, with what is added to its counters.

    Raises:
        LostClaim: it is no longer ours.
    """
    back = END_CLAIM.values(
        state=WorkState.PENDING,
        due_at=due_at,
        last_error=reason,
        failures=work.failures + failures,
        retries=work.retries + retries,
    )
    await _end_claim(session, work, back)


async def renew(session: AsyncSession, owner: str, in_hand: Collection[int], now: datetime) -> None:
    """Prolong this owner's claims of the work that it is really at."""
    mine = and_(WorkRow.state == WorkState.CLAIMED, WorkRow.owner == owner, WorkRow.id.in_(sorted(in_hand)))
    await session.execute(update(WorkRow).where(free(mine)).values(lease_until=now + LEASE))


async def abandoned(session: AsyncSession, now: datetime, dead_owners: Collection[str]) -> Sequence[Work]:
    """Claims whose lease has run out or lies further ahead than one can, or whose owner is known to be dead, by id."""
    query = (
        select(*WORK_COLUMNS)
        .where(
            WorkRow.state == WorkState.CLAIMED,
            or_(
                WorkRow.lease_until < now,
                WorkRow.lease_until > now + LEASE + CLOCKS_DIFFER,
                WorkRow.owner.in_(sorted(dead_owners)),
            ),
        )
        .order_by(WorkRow.id)
    )
    return [_work(row) for row in await session.execute(query)]


async def claimed_by(session: AsyncSession, work_id: int, owner: str) -> Work | None:
    """This piece of work, if this owner holds it."""
    query = select(*WORK_COLUMNS).where(
        WorkRow.id == work_id, WorkRow.state == WorkState.CLAIMED, WorkRow.owner == owner
    )
    row = (await session.execute(query)).one_or_none()
    return _work(row) if row else None


async def take_back(session: AsyncSession, work: Work, due_at: datetime, *, crashes: int = 0) -> None:
    """An abandoned claim waits again; its former owner can no longer save."""
    back = END_CLAIM.values(state=WorkState.PENDING, due_at=due_at, crashes=work.crashes + crashes)
    await _end_claim(session, work, back)


async def owners(session: AsyncSession) -> set[str]:
    """Everyone who holds a claim."""
    query = select(WorkRow.owner).where(WorkRow.state == WorkState.CLAIMED).distinct()
    return {owner for owner in (await session.execute(query)).scalars() if owner}


async def is_any_open(session: AsyncSession, run_id: int, kind: WorkKind) -> bool:
    """Whether some of a run's work of this kind waits or is in hand."""
    return bool((await session.execute(IS_ANY_OPEN, {"run": run_id, "kind": kind})).scalar_one())


async def cancel_all(session: AsyncSession, run_id: int) -> None:
    """The run has ended: nothing of it is to be claimed any more, and what is in hand cannot be saved."""
    await session.execute(
        update(WorkRow)
        .where(WorkRow.run_id == run_id, WorkRow.state.in_([WorkState.PENDING, WorkState.CLAIMED]))
        .values(state=WorkState.CANCELLED, owner=None, lease_until=None)
    )


async def waiting_kinds(session: AsyncSession, run_id: int) -> set[WorkKind]:
    """The kinds of work of a run that wait to be claimed."""
    query = select(WorkRow.kind).where(WorkRow.run_id == run_id, WorkRow.state == WorkState.PENDING).distinct()
    return {WorkKind(kind) for kind in (await session.execute(query)).scalars()}


async def _queue_up_if_suspect(session: AsyncSession, work_id: int) -> None:
    """PostgreSQL: who claims what has killed a process waits for who claims another such piece, to see that claim."""
    if session.get_bind().dialect.name == "postgresql":
        is_suspect = exists().where(WorkRow.id == work_id, WorkRow.crashes > 0)
        await session.execute(select(func.pg_advisory_xact_lock(SUSPECTS_LOCK)).where(is_suspect))


async def _claim(
    session: AsyncSession, statement: ReturningUpdate[Any], work_id: int, owner: str, now: datetime
) -> Work | None:
    values = {"work": work_id, "new_owner": owner, "until": now + LEASE, **at(now)}
    row = (await session.execute(statement, values)).one_or_none()
    return _work(row) if row else None


def _claim_of(work: Work) -> Mapping[str, object]:
    return {"work": work.id, "of_fence": work.fence}


async def _end_claim(session: AsyncSession, work: Work, statement: Update) -> None:
    result = await session.execute(statement, _claim_of(work))
    if changed_rows(result) != 1:
        raise LostClaim(f"work {work.id}, claim {work.fence}")


def _work(row: Row[*tuple[Any, ...]]) -> Work:
    return Work(
        id=row.id,
        run_id=row.run_id,
        bot_slug=row.bot_slug,
        kind=WorkKind(row.kind),
        post_ids=tuple(row.post_ids),
        fence=row.fence,
        failures=row.failures,
        crashes=row.crashes,
        retries=row.retries,
        lane=row.lane,
        owner=row.owner,
        lease_until=row.lease_until,
    )
