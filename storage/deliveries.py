"""Deliveries: a row for each digest, chat and part. Nothing leaves `sending` or `unknown` for another try by itself.

Whoever takes or gives back parcels has locked the run; what came of a call is saved for that very call, whoever holds
the work by then: it is a fact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Table,
    Update,
    bindparam,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from storage.inserting import insert_ignoring
from storage.models import DeliveryRow, PublicBotRow, RunRow, SubscriberRow, UtcDateTime, WorkRow
from storage.records import (
    DeliveryState,
    Outcome,
    Parcel,
    SubscriberState,
    Unreached,
    Work,
    WorkState,
)

TABLE = DeliveryRow.__table__
assert isinstance(TABLE, Table)
SETTLE = update(TABLE).where(
    TABLE.c.id == bindparam("of_id"),
    TABLE.c.attempt == bindparam("of_attempt"),
    or_(TABLE.c.state == DeliveryState.SENDING, TABLE.c.state == DeliveryState.UNKNOWN),  # executemany knows no IN
)
NEXT_PART = update(TABLE).where(
    TABLE.c.digest_id == bindparam("of_digest"),
    TABLE.c.subscriber_id == bindparam("of_subscriber"),
    TABLE.c.part == bindparam("of_part"),
    TABLE.c.state == DeliveryState.PENDING,
)
WAITING = (DeliveryState.PENDING, DeliveryState.SENDING)
FURTHEST_AHEAD = timedelta(minutes=5)  # nothing waits so long; it was due later before a clock was set back


@dataclass(frozen=True, slots=True)
class Due:
    """What a lane has to send: how many now, and when the next one is due; None: nothing is left."""

    number: int
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Gate:
    """What may keep a lane from sending."""

    is_run_paused: bool
    is_bot_paused: bool
    token_fault: str | None
    parked_until: datetime | None


async def freeze(
    session: AsyncSession,
    digest_id: int,
    public_bot_id: int,
    lanes: int,
    parts_of: Callable[[tuple[str, ...]], int],
    now: datetime,
) -> None:
    """Enter a row for every part and everybody who reads the public bot at this moment.

    `parts_of` tells how many messages the digest has without these categories: none at all are sent to whoever left out
    everything that is in it.
    """
    readers = (SubscriberRow.public_bot_id == public_bot_id) & (SubscriberRow.state == SubscriberState.ACTIVE)
    for part in range(parts_of(())):
        due_at = now if part == 0 else None
        columns = select(
            literal(digest_id),
            SubscriberRow.id,
            SubscriberRow.chat_id,
            literal(part),
            SubscriberRow.id % lanes,
            literal(DeliveryState.PENDING.value),
            literal(0),
            literal(due_at, UtcDateTime()),
        ).where(readers, SubscriberRow.left_out.is_(None))
        names = ["digest_id", "subscriber_id", "chat_id", "part", "lane", "state", "attempt", "due_at"]
        await session.execute(insert(DeliveryRow).from_select(names, columns))
    choosy = select(SubscriberRow).where(readers, SubscriberRow.left_out.is_not(None))
    rows = []
    for reader in (await session.execute(choosy)).scalars():
        left_out = tuple(reader.left_out or ())
        rows += [
            {
                "digest_id": digest_id,
                "subscriber_id": reader.id,
                "chat_id": reader.chat_id,
                "part": part,
                "lane": reader.id % lanes,
                "left_out": list(left_out),
                "state": DeliveryState.PENDING,
                "attempt": 0,
                "due_at": now if part == 0 else None,
            }
            for part in range(parts_of(left_out))
        ]
    await insert_ignoring(session, DeliveryRow, rows)


async def due(session: AsyncSession, digest_id: int, lane: int, now: datetime, limit: int) -> Due:
    """What this lane has to send now, counted up to `limit`."""
    mine = of_lane(digest_id, lane) & (DeliveryRow.state == DeliveryState.PENDING) & DeliveryRow.due_at.is_not(None)
    query = select(DeliveryRow.due_at).where(mine).order_by(~_is_due(now), DeliveryRow.due_at).limit(limit)
    times = [at for at in (await session.execute(query)).scalars() if at is not None]
    possible = [at if at <= now + FURTHEST_AHEAD else now for at in times]
    return Due(sum(at <= now for at in possible), possible[0] if possible else None)


async def gate(session: AsyncSession, claimed: Work) -> Gate | None:
    """What may keep a lane from sending, with its run locked until the transaction ends. None: the claim is lost."""
    query = (
        select(RunRow.is_paused, PublicBotRow.is_paused, PublicBotRow.token_fault, PublicBotRow.parked_until)
        .join(WorkRow, WorkRow.run_id == RunRow.id)
        .join(PublicBotRow, PublicBotRow.id == RunRow.public_bot_id)
        .where(WorkRow.id == claimed.id, WorkRow.fence == claimed.fence, WorkRow.state == WorkState.CLAIMED)
        .with_for_update(of=RunRow)
    )
    row = (await session.execute(query)).first()
    return Gate(*row) if row else None


async def take(session: AsyncSession, digest_id: int, lane: int, now: datetime, limit: int) -> Sequence[Parcel]:
    """Mark up to `limit` parcels of this lane as being sent; commit, then send them. What became due last goes first:
    the next part for who has the one before it.

    Parcels of readers who have left meanwhile end here, and are not among them.
    """
    query = (
        select(
            DeliveryRow.id,
            DeliveryRow.subscriber_id,
            DeliveryRow.chat_id,
            DeliveryRow.part,
            DeliveryRow.left_out,
            DeliveryRow.attempt,
            SubscriberRow.state,
            SubscriberRow.reason,
        )
        .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
        .where(of_lane(digest_id, lane), DeliveryRow.state == DeliveryState.PENDING, _is_due(now))
        .order_by(DeliveryRow.due_at.desc())
        .limit(limit)
    )
    taken = []
    for id_, subscriber_id, chat_id, part, left_out, attempt, state, reason in (await session.execute(query)).all():
        if state == SubscriberState.ACTIVE:
            hidden = tuple(left_out or ())
            taken.append(Parcel(id_, digest_id, subscriber_id, chat_id, part, hidden, attempt + 1))
        else:
            why = reason if state == SubscriberState.RETIRED and reason else Unreached.STOPPED
            await _end_rest(session, digest_id, chat_id, why, now)
    await session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id.in_([parcel.id for parcel in taken]))
        .values(state=DeliveryState.SENDING, attempt=DeliveryRow.attempt + 1, started_at=now)
        .execution_options(synchronize_session=False)
    )
    return taken


async def put_back(session: AsyncSession, parcels: Sequence[Parcel], due_at: datetime) -> None:
    """Parcels that were taken and for certain not sent are due again; a doubt that came in between stays one."""
    for parcel in parcels:
        await session.execute(
            update(DeliveryRow)
            .where(_call(parcel), DeliveryRow.state == DeliveryState.SENDING)
            .values(state=DeliveryState.PENDING, due_at=due_at)
        )


async def save(session: AsyncSession, outcomes: Sequence[Outcome]) -> None:
    """Enter what came of these calls. A fact that comes late ends a doubt, but says nothing of a later call."""
    for outcome in outcomes:
        if outcome.again_at is not None:
            await put_back(session, [outcome.parcel], outcome.again_at)
    settled = [outcome for outcome in outcomes if outcome.again_at is None]
    await execute_many(session, SETTLE, [_settled(outcome) for outcome in settled])
    followed = [outcome for outcome in settled if outcome.next_part_at is not None]
    await execute_many(session, NEXT_PART, [next_part(outcome.parcel, outcome.next_part_at) for outcome in followed])
    for outcome in settled:
        if outcome.is_last_word:
            parcel = outcome.parcel
            await _end_rest(session, parcel.digest_id, parcel.chat_id, outcome.reason or "", outcome.at)


async def end_pending(session: AsyncSession, digest_id: int, why: Unreached, now: datetime) -> None:
    """Nothing more of this digest is sent."""
    which = (DeliveryRow.digest_id == digest_id) & (DeliveryRow.state == DeliveryState.PENDING)
    values = {"state": DeliveryState.FAILED, "reason": why, "ended_at": now}
    await session.execute(update(DeliveryRow).where(which).values(**values))


async def lanes_with_work(session: AsyncSession, digest_id: int) -> set[int]:
    """The lanes that have something to send, now or later."""
    which = (DeliveryRow.digest_id == digest_id) & (DeliveryRow.state == DeliveryState.PENDING)
    query = select(DeliveryRow.lane).where(which).distinct()
    return set((await session.execute(query)).scalars())


def of_lane(digest_id: int, lane: int) -> ColumnElement[bool]:
    """The deliveries of one lane of a digest."""
    return (DeliveryRow.digest_id == digest_id) & (DeliveryRow.lane == lane)


def _is_due(now: datetime) -> ColumnElement[bool]:
    return or_(DeliveryRow.due_at <= now, DeliveryRow.due_at > now + FURTHEST_AHEAD)


def _call(parcel: Parcel) -> ColumnElement[bool]:
    return (DeliveryRow.id == parcel.id) & (DeliveryRow.attempt == parcel.attempt)


async def _end_rest(session: AsyncSession, digest_id: int, chat_id: int, why: str, now: datetime) -> None:
    """The chat gets nothing more of this digest."""
    await session.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.digest_id == digest_id,
            DeliveryRow.chat_id == chat_id,
            DeliveryRow.state == DeliveryState.PENDING,
        )
        .values(state=DeliveryState.FAILED, reason=why, ended_at=now)
        .execution_options(synchronize_session=False)
    )


async def execute_many(session: AsyncSession, statement: Update, rows: Sequence[Mapping[str, object]]) -> None:
    """One statement with the values of each row, if there is any."""
    if rows:
        await (await session.connection()).execute(statement, list(rows))


def _settled(outcome: Outcome) -> Mapping[str, object]:
    return {
        "of_id": outcome.parcel.id,
        "of_attempt": outcome.parcel.attempt,
        "state": outcome.state,
        "reason": outcome.reason,
        "message_id": outcome.message_id,
        "ended_at": outcome.at,
    }


def next_part(of: Parcel | DeliveryRow, due_at: datetime | None) -> Mapping[str, object]:
    """What `NEXT_PART` needs to let the part after this one be due."""
    return {
        "of_digest": of.digest_id,
        "of_subscriber": of.subscriber_id,
        "of_part": of.part + 1,
        "due_at": due_at,
    }
