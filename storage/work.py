"""Work: the claimable pieces of a run.

Whoever changes a run and its work in one transaction locks the run first; what changes many pieces of work without the
run passes over those that somebody else has locked: so PostgreSQL never finds two that wait for each other.

A claim is one conditional UPDATE; it holds for a lease, and everything saved for it carries its fencing number. Whoever
lost a claim meanwhile cannot save (`LostClaim`), and the transaction is rolled back as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from storage.models import DigestRow, RunRow, WorkRow
from storage.records import ENDED, Engine, Ring, Work, WorkKind, WorkState
from storage.runs import GOING_ON, changed_rows

LEASE = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=10)  # then it is looked at again; only a digest that has a time waits longer for it
CLOCKS_DIFFER = timedelta(seconds=30)  # at most; what lies further ahead was written before a clock was set back
ASKED_OF_A_MODEL = frozenset({WorkKind.CATEGORIZE, WorkKind.SUMMARIZE})
SUSPECTS_LOCK = 0x53757370  # any constant but storage.schema's
# Made once: making one costs as much as a query.
_RUN, _OTHER, _ITS_RUN = aliased(RunRow), aliased(WorkRow), aliased(RunRow)
MOST_PARAMETERS = 10_000  # in one statement; SQLite takes 32,766, PostgreSQL 65,535


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
        await session.execute(insert(WorkRow), rows)


async def claim(session: AsyncSession, work_id: int, owner: str, now: datetime) -> Work | None:
    """Take this piece of work, if it waits, is due, and its run goes on."""
    await _queue_up_if_suspect(session, work_id)
    statement = (
        update(WorkRow)
        .where(WorkRow.id == work_id, _claimable(now))
        .values(state=WorkState.CLAIMED, owner=owner, lease_until=now + LEASE, fence=WorkRow.fence + 1)
        .returning(WorkRow)
        .execution_options(synchronize_session=False)
    )
    row = (await session.execute(statement)).scalar_one_or_none()
    return _work(row) if row else None


async def due(session: AsyncSession, engine: Engine, now: datetime, limit: int) -> Sequence[Ring]:
    """Work of an engine's runs that can be claimed, oldest first."""
    query = _rings().where(_claimable(now), RunRow.engine == engine).order_by(WorkRow.id).limit(limit)
    return [_ring(*row) for row in await session.execute(query)]


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
            _is_due(now),
            RunRow.engine == engine,
            GOING_ON,
            RunRow.is_paused.is_(False),
            unheard,
        )
        .order_by(WorkRow.id)
        .limit(1000)
    )
    return [_ring(*row) for row in await session.execute(query)]


async def to_ring(session: AsyncSession, run_id: int, now: datetime, *, again: bool = False) -> Sequence[Ring]:
    """The run's work that waits, is due and was never rung for; `again`: or that was. Marked: ring after the commit."""
    query = (
        _rings()
        .where(WorkRow.run_id == run_id, WorkRow.state == WorkState.PENDING, _is_due(now), GOING_ON)
        .where(RunRow.is_paused.is_(False))
        .order_by(WorkRow.crashes, WorkRow.id)
    )
    if not again:
        query = query.where(_not_rung_for(now))
    rings = [_ring(*row) for row in await session.execute(query)]
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


async def is_suspect(session: AsyncSession, work_id: int) -> bool | None:
    """Whether this work has killed a process that asked a model for it; None where no model is asked."""
    query = select(WorkRow.crashes > 0).where(WorkRow.id == work_id, WorkRow.kind.in_(sorted(ASKED_OF_A_MODEL)))
    return (await session.execute(query)).scalar_one_or_none()


async def mark_rung(session: AsyncSession, work_ids: Sequence[int], now: datetime) -> None:
    for start in range(0, len(work_ids), MOST_PARAMETERS):
        some = work_ids[start : start + MOST_PARAMETERS]
        await session.execute(update(WorkRow).where(_free(WorkRow.id.in_(some))).values(rung_at=now))


async def plan_of(session: AsyncSession, run_id: int) -> int | None:
    """The id of the run's planning work."""
    query = select(WorkRow.id).where(WorkRow.run_id == run_id, WorkRow.kind == WorkKind.PLAN)
    return (await session.execute(query)).scalar_one_or_none()


async def free_lanes(session: AsyncSession, digest_id: int, now: datetime) -> Sequence[int]:
    """The ids of a digest's delivering work that can be claimed."""
    of_digest = select(DigestRow.run_id).where(DigestRow.id == digest_id)
    query = select(WorkRow.id).where(WorkRow.run_id.in_(of_digest), WorkRow.kind == WorkKind.DELIVER, _claimable(now))
    return (await session.execute(query)).scalars().all()


async def open_lanes(session: AsyncSession, run_id: int) -> set[int]:
    """The lanes of a run's delivery that somebody works on or will."""
    query = select(WorkRow.lane).where(
        WorkRow.run_id == run_id,
        WorkRow.kind == WorkKind.DELIVER,
        WorkRow.lane.is_not(None),
        WorkRow.state.in_([WorkState.PENDING, WorkState.CLAIMED]),
    )
    return {lane for lane in (await session.execute(query)).scalars() if lane is not None}


async def still_mine(session: AsyncSession, work: Work) -> bool:
    """Whether the claim holds: asked before each model call, so that none is made for a run that was cancelled."""
    query = select(WorkRow.id).where(_of_claim(work))
    return (await session.execute(query)).scalar_one_or_none() is not None


async def finish(session: AsyncSession, work: Work) -> None:
    """The work is done.

    Raises:
        LostClaim: it is no longer ours.
    """
    await _end_claim(session, work, {"state": WorkState.DONE, "last_error": None})


async def put_off(
    session: AsyncSession, work: Work, due_at: datetime, *, reason: str, failures: int = 0, retries: int = 0
) -> None:
    """Give the work back, to be claimed again from `due_at` on, with what is added to its counters.

    Raises:
        LostClaim: it is no longer ours.
    """
    await _end_claim(
        session,
        work,
        {
            "state": WorkState.PENDING,
            "due_at": due_at,
            "last_error": reason,
            "failures": work.failures + failures,
            "retries": work.retries + retries,
        },
    )


async def renew(session: AsyncSession, owner: str, in_hand: Collection[int], now: datetime) -> None:
    """Prolong this owner's claims of the work that it is really at."""
    mine = and_(WorkRow.state == WorkState.CLAIMED, WorkRow.owner == owner, WorkRow.id.in_(sorted(in_hand)))
    await session.execute(update(WorkRow).where(_free(mine)).values(lease_until=now + LEASE))


async def abandoned(session: AsyncSession, now: datetime, dead_owners: Collection[str]) -> Sequence[Work]:
    """Claims whose lease has run out or lies further ahead than one can, or whose owner is known to be dead, by id."""
    query = (
        select(WorkRow)
        .where(
            WorkRow.state == WorkState.CLAIMED,
            or_(
                WorkRow.lease_until < now,
                WorkRow.lease_until > now + LEASE + CLOCKS_DIFFER,
                WorkRow.owner.in_(sorted(dead_owners)),
            ),
        )
        .order_by(WorkRow.id)
        .execution_options(populate_existing=True)
    )
    return [_work(row) for row in (await session.execute(query)).scalars()]


async def claimed_by(session: AsyncSession, work_id: int, owner: str) -> Work | None:
    """This piece of work, if this owner holds it."""
    query = select(WorkRow).where(WorkRow.id == work_id, WorkRow.state == WorkState.CLAIMED, WorkRow.owner == owner)
    row = (await session.execute(query)).scalar_one_or_none()
    return _work(row) if row else None


async def take_back(session: AsyncSession, work: Work, due_at: datetime, *, crashes: int = 0) -> None:
    """An abandoned claim waits again; its former owner can no longer save."""
    await _end_claim(session, work, {"state": WorkState.PENDING, "due_at": due_at, "crashes": work.crashes + crashes})


async def owners(session: AsyncSession) -> set[str]:
    """Everyone who holds a claim."""
    query = select(WorkRow.owner).where(WorkRow.state == WorkState.CLAIMED).distinct()
    return {owner for owner in (await session.execute(query)).scalars() if owner}


async def count_open(session: AsyncSession, run_id: int, kind: WorkKind) -> int:
    query = select(func.count()).where(
        WorkRow.run_id == run_id,
        WorkRow.kind == kind,
        WorkRow.state.in_([WorkState.PENDING, WorkState.CLAIMED]),
    )
    return (await session.execute(query)).scalar_one()


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


def _claimable(now: datetime) -> ColumnElement[bool]:
    """Waiting, due, of a run that goes on and is not held. What has killed a process before is tried one at a time, and
    first what has done so least often: most of it was only in bad company."""
    run_goes_on = exists().where(_RUN.id == WorkRow.run_id, _RUN.state.not_in(sorted(ENDED)), _RUN.is_paused.is_(False))
    another_suspect = exists().where(_OTHER.state == WorkState.CLAIMED, _OTHER.crashes > 0)
    less_suspect = exists().where(
        _OTHER.state == WorkState.PENDING,
        _OTHER.kind == WorkRow.kind,
        _OTHER.crashes.between(1, WorkRow.crashes - 1),
        _OTHER.due_at <= now,
        exists().where(
            _ITS_RUN.id == _OTHER.run_id, _ITS_RUN.state.not_in(sorted(ENDED)), _ITS_RUN.is_paused.is_(False)
        ),
    )
    return and_(
        WorkRow.state == WorkState.PENDING,
        _is_due(now),
        run_goes_on,
        or_(WorkRow.crashes == 0, and_(~another_suspect, ~less_suspect)),
    )


def _is_due(now: datetime) -> ColumnElement[bool]:
    """Its time has come, or lies further ahead than work ever waits: then a clock was set back."""
    has_a_time = exists().where(_RUN.id == WorkRow.run_id, _RUN.publish_at >= WorkRow.due_at)
    return or_(WorkRow.due_at <= now, and_(WorkRow.due_at > now + LONGEST_REST + CLOCKS_DIFFER, ~has_a_time))


def _not_rung_for(now: datetime) -> ColumnElement[bool]:
    """Since it became due; what was rung for at a time that is still to come was so before a clock was set back."""
    return or_(WorkRow.rung_at.is_(None), WorkRow.rung_at < WorkRow.due_at, WorkRow.rung_at > now + CLOCKS_DIFFER)


def _free(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Those that meet the condition and are locked by nobody else."""
    return WorkRow.id.in_(select(WorkRow.id).where(condition).order_by(WorkRow.id).with_for_update(skip_locked=True))


def _of_claim(work: Work) -> ColumnElement[bool]:
    return and_(WorkRow.id == work.id, WorkRow.fence == work.fence, WorkRow.state == WorkState.CLAIMED)


async def _end_claim(session: AsyncSession, work: Work, values: Mapping[str, object]) -> None:
    result = await session.execute(
        update(WorkRow).where(_of_claim(work)).values(owner=None, lease_until=None, **values)
    )
    if changed_rows(result) != 1:
        raise LostClaim(f"work {work.id}, claim {work.fence}")


def _rings() -> Select[int, int, str, str, int | None]:
    return (
        select(WorkRow.id, WorkRow.run_id, WorkRow.kind, RunRow.engine, DigestRow.id)
        .join(RunRow, RunRow.id == WorkRow.run_id)
        .outerjoin(DigestRow, DigestRow.run_id == WorkRow.run_id)
    )


def _ring(work_id: int, run_id: int, kind: str, engine: str, digest_id: int | None) -> Ring:
    return Ring(work_id=work_id, run_id=run_id, kind=WorkKind(kind), engine=Engine(engine), digest_id=digest_id)


def _work(row: WorkRow) -> Work:
    return Work(
        id=row.id,
        run_id=row.run_id,
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
