"""What must be said in a database that was restored, before anybody works with it: its rows tell an old truth.

What they call unsent may have been sent after the backup was taken, so none of it is sent again by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, case, delete, exists, func, insert, inspect, select, text, update

from storage.lost_time import NOTICE_ENDED, NOTICE_LOST, ORIGIN
from storage.models import (
    Base,
    CardRow,
    DeliveryRow,
    DigestRow,
    FaultRow,
    LeaseRow,
    PublicBotRow,
    RunPostRow,
    RunRow,
    SlotRow,
    WorkerRow,
    WorkRow,
)
from storage.records import ENDED, DeliveryState, Engine, PostStatus, RunState, WorkState
from storage.runs import changed_rows

RESTORED, IN_DOUBT = "installation.restored", "installation.messages_in_doubt"
WAITING = (DeliveryState.PENDING, DeliveryState.SENDING)
UNDECIDED = (PostStatus.FRESH, PostStatus.CATEGORIZED, PostStatus.CHOSEN)
ALL_PARTS = 1000  # more messages than a digest can have
IDS_LEFT_OUT = 1000  # buttons in chats name rows that are forgotten now: theirs are not given to others


@dataclass(frozen=True, slots=True)
class Doubts:
    """What nobody knows after a restore: messages to readers, runs that were ended, and by public bot the run that
    gives what may not have been given."""

    messages: int = 0
    runs: int = 0
    again: Mapping[str, int] = field(default_factory=dict)


def wake_up(connection: Connection) -> None:
    """Nobody who worked with this database when the backup was taken is there any more."""
    connection.execute(delete(WorkerRow))
    connection.execute(delete(LeaseRow))
    connection.execute(
        update(WorkRow)
        .where(WorkRow.state == WorkState.CLAIMED)
        .values(state=WorkState.PENDING, owner=None, lease_until=None, rung_at=None, fence=WorkRow.fence + 1)
    )


@dataclass(frozen=True, slots=True)
class LostTime:
    """From the moment of a backup `until` then things may have been given that the backup does not know of.

    `window_hours` is how far back a public bot's digest reaches where it does not say itself.
    """

    taken_at: datetime
    until: datetime
    window_hours: int


def doubt(connection: Connection, lost: LostTime, now: datetime) -> Doubts:
    """Whatever may have been given in the lost time is not given again by itself."""
    until = lost.until
    ended = _end_runs(connection, now)
    messages = _doubt_deliveries(connection)
    connection.execute(
        update(CardRow).where(CardRow.announced_at.is_(None)).values(parts_sent=ALL_PARTS, part_in_doubt=None)
    )
    connection.execute(delete(SlotRow).where(SlotRow.due_at > until))
    connection.execute(update(PublicBotRow).where(PublicBotRow.schedule_since < until).values(schedule_since=until))
    return Doubts(messages, len(ended), _remember_lost_time(connection, lost, ended, now))


def tell_operators(connection: Connection, lost: LostTime, doubts: Doubts, now: datetime) -> None:
    """The bot tells each operator once, when it runs again."""
    params = {
        "taken": f"{lost.taken_at:%Y-%m-%d %H:%M} UTC",
        "until": f"{lost.until:%Y-%m-%d %H:%M} UTC",
        "runs": doubts.runs,
        "again": ", ".join(f"/retry {run_id} ({slug})" for slug, run_id in doubts.again.items()) or "–",
    }
    connection.execute(insert(FaultRow).values(at=now, message_id=RESTORED, params=params))
    if doubts.messages:
        in_doubt = {"messages": doubts.messages}
        connection.execute(insert(FaultRow).values(at=now, message_id=IN_DOUBT, params=in_doubt))


def _end_runs(connection: Connection, now: datetime) -> Sequence[int]:
    """A run whose recipients were not frozen yet may have been finished since; one that delivers tells its doubts."""
    frozen = exists().where(DigestRow.run_id == RunRow.id, DeliveryRow.digest_id == DigestRow.id)
    ids = connection.execute(select(RunRow.id).where(RunRow.state.not_in(sorted(ENDED)), ~frozen)).scalars().all()
    for run_id in ids:
        connection.execute(
            update(RunRow)
            .where(RunRow.id == run_id)
            .values(
                state=RunState.CANCELLED,
                version=RunRow.version + 1,
                notice=NOTICE_ENDED,
                finished_at=now,
                stage_started_at=now,
            )
        )
        connection.execute(
            update(WorkRow)
            .where(WorkRow.run_id == run_id, WorkRow.state.in_((WorkState.PENDING, WorkState.CLAIMED)))
            .values(state=WorkState.CANCELLED)
        )
        connection.execute(
            update(RunPostRow)
            .where(RunPostRow.run_id == run_id, RunPostRow.status.in_(UNDECIDED))
            .values(status=PostStatus.DROPPED)
        )
    return ids


def _doubt_deliveries(connection: Connection) -> int:
    on_their_way = DeliveryRow.state.in_(WAITING)
    runs = select(DigestRow.run_id).join(DeliveryRow, DeliveryRow.digest_id == DigestRow.id).where(on_their_way)
    connection.execute(update(RunRow).where(RunRow.id.in_(runs)).values(version=RunRow.version + 1))
    return changed_rows(connection.execute(update(DeliveryRow).where(on_their_way).values(state=DeliveryState.UNKNOWN)))


def _remember_lost_time(
    connection: Connection, lost: LostTime, ended: Sequence[int], now: datetime
) -> Mapping[str, int]:
    """A run of each public bot, from where its next digest would have begun, or a run that was ended began; their
    numbers by slug.

    The gap in the numbers is for the runs that are forgotten: their buttons in chats name nobody else's.
    """
    reached = case((RunRow.period_end < RunRow.created_at, RunRow.period_end), else_=RunRow.created_at)
    has_digest = exists().where(DigestRow.run_id == RunRow.id)
    given = select(RunRow.public_bot_id, func.max(reached)).where(
        RunRow.state == RunState.DONE, RunRow.deliver.is_(True), has_digest
    )
    known = {row[0]: row[1] for row in connection.execute(given.group_by(RunRow.public_bot_id))}
    begun = select(RunRow.public_bot_id, func.min(RunRow.period_start)).where(
        RunRow.id.in_(ended), RunRow.deliver.is_(True)
    )
    earlier = {row[0]: row[1] for row in connection.execute(begun.group_by(RunRow.public_bot_id))}
    bots = connection.execute(
        select(
            PublicBotRow.id, PublicBotRow.slug, PublicBotRow.max_posts_per_digest, PublicBotRow.window_hours
        ).order_by(PublicBotRow.id)
    )
    number = (connection.execute(select(func.max(RunRow.id))).scalar_one() or 0) + IDS_LEFT_OUT
    again = {}
    for run_id, (bot_id, slug, limit, hours) in enumerate(bots.all(), number):
        again[slug] = run_id
        earliest = lost.taken_at - timedelta(hours=hours or lost.window_hours)
        start = min(max(known.get(bot_id) or earliest, earliest), earlier.get(bot_id, lost.until))
        connection.execute(
            insert(RunRow).values(
                id=run_id, public_bot_id=bot_id, state=RunState.CANCELLED, version=1, engine=Engine.CELERY,
                provider="none", model="none", origin=ORIGIN, period_start=min(start, lost.until),
                period_end=lost.until, post_limit=limit,
                min_posts=1, deliver=True, notice=NOTICE_LOST, created_at=now, stage_started_at=now, finished_at=now,
            )
        )  # fmt: skip
    return again


def number_on(connection: Connection) -> None:
    """Let PostgreSQL number new rows after those that were entered, with a gap; SQLite numbers by what is there."""
    if connection.dialect.name == "sqlite":
        return
    there = set(inspect(connection).get_table_names())  # an older schema has fewer
    for table in Base.metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None or table.name not in there:
            continue
        sequence = connection.execute(
            text("SELECT pg_get_serial_sequence(:name, :column)"), {"name": table.name, "column": column.name}
        ).scalar_one()
        if sequence is not None:
            highest = connection.execute(select(func.max(column))).scalar_one() or 0
            connection.execute(
                text("SELECT setval(:sequence, :number)"), {"sequence": sequence, "number": highest + IDS_LEFT_OUT}
            )
