"""Operators as they were last seen, what they did, and what they should know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import insert as plain_insert
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.inserting import insert
from storage.models import ActionRow, FaultRow, OperatorRow
from storage.records import Action, ActionKind, Actor, Fault, Operator

SAME_FAULT_WITHIN = timedelta(hours=1)


async def seen(session: AsyncSession, operator: Operator, now: datetime) -> None:
    """Remember how an operator is called and which language they read."""
    values = {"name": operator.name[:100], "language": operator.language, "seen_at": now}
    statement = insert(session, OperatorRow).values(user_id=operator.user_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=values))


async def languages(session: AsyncSession) -> Mapping[int, str]:
    """The language of every operator that was ever seen, by user id."""
    rows = (await session.execute(select(OperatorRow))).scalars()
    return {row.user_id: row.language for row in rows}


async def write_down(
    session: AsyncSession,
    actor: Actor,
    kind: ActionKind,
    now: datetime,
    *,
    public_bot_id: int | None = None,
    run_id: int | None = None,
    **details: str | int,
) -> None:
    """Write down what was changed, in the transaction that changes it."""
    row = {
        "at": now,
        "operator_id": actor.id,
        "operator_name": actor.name[:100],
        "kind": kind,
        "public_bot_id": public_bot_id,
        "run_id": run_id,
        "details": details,
    }
    await session.execute(plain_insert(ActionRow), [row])


async def actions_of_runs(session: AsyncSession, run_ids: Collection[int]) -> Mapping[int, Sequence[Action]]:
    """What was done with each of these runs, oldest first."""
    query = select(ActionRow).where(ActionRow.run_id.in_(sorted(run_ids))).order_by(ActionRow.id)
    found: defaultdict[int, list[Action]] = defaultdict(list)
    for row in (await session.execute(query)).scalars():
        assert row.run_id is not None
        found[row.run_id].append(_action(row))
    return found


async def actions_of_bot(session: AsyncSession, public_bot_id: int, limit: int) -> Sequence[Action]:
    """What was last done with a public bot, newest first."""
    query = select(ActionRow).where(ActionRow.public_bot_id == public_bot_id).order_by(ActionRow.id.desc()).limit(limit)
    return [_action(row) for row in (await session.execute(query)).scalars()]


async def report(
    session: AsyncSession,
    message_id: str,
    now: datetime,
    *,
    public_bot_id: int | None = None,
    run_id: int | None = None,
    params: Mapping[str, str | int] | None = None,
) -> None:
    """Let the operators know; the same fault of the same public bot and run is said once an hour at most."""
    same = select(FaultRow.id).where(
        FaultRow.message_id == message_id,
        FaultRow.public_bot_id.is_not_distinct_from(public_bot_id),
        FaultRow.run_id.is_not_distinct_from(run_id),
        FaultRow.at > now - SAME_FAULT_WITHIN,
    )
    if (await session.execute(same.limit(1))).first() is None:
        row = {
            "at": now,
            "message_id": message_id,
            "params": dict(params or {}),
            "public_bot_id": public_bot_id,
            "run_id": run_id,
        }
        await session.execute(plain_insert(FaultRow), [row])


async def untold(session: AsyncSession) -> Sequence[Fault]:
    """Faults that the operators were not told of yet, oldest first."""
    query = select(FaultRow).where(FaultRow.told_at.is_(None)).order_by(FaultRow.id)
    return [_fault(row) for row in (await session.execute(query)).scalars()]


async def told(session: AsyncSession, fault_id: int, now: datetime) -> None:
    await session.execute(update(FaultRow).where(FaultRow.id == fault_id).values(told_at=now))


async def last_faults(session: AsyncSession, limit: int) -> Sequence[Fault]:
    """Newest first."""
    query = select(FaultRow).order_by(FaultRow.id.desc()).limit(limit)
    return [_fault(row) for row in (await session.execute(query)).scalars()]


def _action(row: ActionRow) -> Action:
    return Action(
        at=row.at,
        actor=Actor(row.operator_id, row.operator_name),
        kind=ActionKind(row.kind),
        public_bot_id=row.public_bot_id,
        run_id=row.run_id,
        details=row.details,
    )


def _fault(row: FaultRow) -> Fault:
    return Fault(row.id, row.at, row.message_id, row.params, row.public_bot_id, row.run_id)
