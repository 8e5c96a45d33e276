"""Signs of life: which workers there are, and who holds a role that only one process has at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.claimable import CLOCKS_DIFFER
from storage.inserting import insert, insert_ignoring
from storage.models import LeaseRow, WorkerRow
from storage.records import Worker
from storage.runs import changed_rows

FORGOTTEN_AFTER = timedelta(days=1)
OLD_SIGN = timedelta(minutes=1)
BOT = "bot"  # the role of the one process that serves operators
BOT_HOLD = timedelta(seconds=15)


async def beat(session: AsyncSession, worker: Worker) -> None:
    """Store a worker's sign of life."""
    values = {
        "host": worker.host,
        "machine": worker.machine,
        "pid": worker.pid,
        "queues": list(worker.queues),
        "concurrency": worker.concurrency,
        "started_at": worker.started_at,
        "seen_at": worker.seen_at,
    }
    statement = insert(session, WorkerRow).values(name=worker.name, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


async def leave(session: AsyncSession, name: str) -> None:
    """A worker has stopped as it should."""
    await session.execute(delete(WorkerRow).where(WorkerRow.name == name))


async def everyone(session: AsyncSession) -> Sequence[Worker]:
    """Every worker that was seen lately, by name."""
    rows = (await session.execute(select(WorkerRow).order_by(WorkerRow.name))).scalars()
    return [
        Worker(
            row.name, row.host, row.pid, tuple(row.queues), row.concurrency, row.started_at, row.seen_at, row.machine
        )
        for row in rows
    ]


def machine_of(owner: str) -> str | None:
    """What tells the machine of an owner from others: owners are named host/machine.space:pid:random. None: nothing."""
    machine, dot, _ = owner.partition("/")[2].partition(":")[0].partition(".")
    return machine if dot and machine else None


async def signs_of_others(session: AsyncSession, machine: str, now: datetime) -> Mapping[str, datetime]:
    """The last signs of life from other machines, by the name of the worker or role, as far as they are no older than a
    minute by any clock."""
    found = {
        worker.name: worker.seen_at
        for worker in await everyone(session)
        if worker.machine is not None and worker.machine != machine
    }
    for row in (await session.execute(select(LeaseRow))).scalars():
        if machine_of(row.owner) not in (None, machine):
            found[f"{row.name}@{row.owner.partition('/')[0]}"] = row.until
    return {name: at for name, at in found.items() if abs(now - at) < OLD_SIGN}


async def forget_old(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(WorkerRow).where(WorkerRow.seen_at < now - FORGOTTEN_AFTER))


async def take_role(session: AsyncSession, role: str, owner: str, now: datetime, hold: timedelta) -> bool:
    """Take or keep a role until now + hold. False: another owner holds it, and not for longer than one can."""
    await insert_ignoring(session, LeaseRow, [{"name": role, "owner": owner, "until": now + hold}])
    result = await session.execute(
        update(LeaseRow)
        .where(LeaseRow.name == role, or_(LeaseRow.owner == owner, ~_is_held(now, hold)))
        .values(owner=owner, until=now + hold)
    )
    return changed_rows(result) == 1


async def role_holder(session: AsyncSession, role: str) -> str | None:
    return (await session.execute(select(LeaseRow.owner).where(LeaseRow.name == role))).scalar_one_or_none()


async def role_is_held(session: AsyncSession, role: str, now: datetime, hold: timedelta) -> bool:
    """Whether somebody has this role, which is taken for `hold` at a time."""
    query = select(LeaseRow.owner).where(LeaseRow.name == role, _is_held(now, hold))
    return (await session.execute(query)).scalar_one_or_none() is not None


async def role_owners(session: AsyncSession) -> set[str]:
    """Everyone who has or had a role."""
    return set((await session.execute(select(LeaseRow.owner))).scalars())


async def free_roles_of(session: AsyncSession, owners: Collection[str]) -> None:
    """These owners are dead: who waits for their roles need not wait until they run out."""
    await session.execute(delete(LeaseRow).where(LeaseRow.owner.in_(sorted(owners))))


async def free_role(session: AsyncSession, role: str, owner: str) -> None:
    await session.execute(delete(LeaseRow).where(LeaseRow.name == role, LeaseRow.owner == owner))


def _is_held(now: datetime, hold: timedelta) -> ColumnElement[bool]:
    """Until further ahead than it is ever taken for: that was before a clock was set back."""
    return and_(LeaseRow.until >= now, LeaseRow.until <= now + hold + CLOCKS_DIFFER)
