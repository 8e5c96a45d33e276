"""Runs: one row each, moved from state to state by conditional updates, and what can be asked of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Select, bindparam, case, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import inserting
from storage.database import ENDED_RUNS
from storage.models import DigestRow, PublicBotRow, RunRow
from storage.models.base import table_of
from storage.records import (
    ENDED,
    Engine,
    Failure,
    NewRun,
    Period,
    QuietDay,
    Run,
    RunState,
)

ADOPTED = "adopted"  # the origin of a run that stands for what another program gave, see storage.adopting
MADE_HERE = RunRow.origin != ADOPTED
_RUN = table_of(RunRow)
_TOUCH = update(_RUN).where(_RUN.c.id == bindparam("run")).values(version=_RUN.c.version + 1)
GOING_ON = RunRow.state.in_(sorted(set(RunState) - ENDED))  # what an index finds


async def create(session: AsyncSession, new: NewRun, now: datetime) -> tuple[Run, bool]:
    """The run of this command, and whether it was made just now.

    A command makes one run at most, and a public bot has one going on at most: else it is that one that is returned.
    """
    statement = inserting.insert(session, RunRow).values(
        public_bot_id=new.public_bot_id,
        state=RunState.QUEUED,
        version=1,
        engine=new.engine,
        provider=new.provider,
        model=new.model,
        origin=new.origin,
        chat_id=new.chat_id,
        message_id=new.message_id,
        requested_by=new.requested_by,
        period_start=new.period.start,
        period_end=new.period.end,
        late_since=new.period.late_since,
        post_limit=new.post_limit,
        min_posts=new.min_posts,
        deliver=new.deliver,
        publish_at=new.publish_at,
        notice=new.notice,
        asks_anew=new.asks_anew,
        created_at=now,
        stage_started_at=now,
    )
    while True:
        made = await session.execute(statement.on_conflict_do_nothing().returning(RunRow.id))
        run_id = made.scalar_one_or_none()
        if run_id is not None:
            return await get(session, run_id), True
        run_id = await _in_the_way(session, new)
        if run_id is not None:  # else it has ended since, and there is room for a new one
            return await get(session, run_id), False


async def find(session: AsyncSession, run_id: int) -> Run | None:
    row = (await session.execute(_runs().where(RunRow.id == run_id))).first()
    return _run(*row) if row else None


async def get(session: AsyncSession, run_id: int) -> Run:
    run = await find(session, run_id)
    if run is None:
        raise LookupError(f"there is no run {run_id}")
    return run


async def hold(session: AsyncSession, run_id: int) -> None:
    """Lock a run's row until the transaction ends (SQLite has one writer at a time anyway)."""
    await session.execute(select(RunRow.id).where(RunRow.id == run_id).with_for_update())


async def lock(session: AsyncSession, run_id: int) -> Run:
    """The run, with its row locked until the transaction ends."""
    locked = await session.execute(_runs().where(RunRow.id == run_id).with_for_update(of=RunRow))
    return _run(*locked.one())


async def going_on(session: AsyncSession, public_bot_id: int | None = None) -> Sequence[Run]:
    """Runs that have not ended, oldest first."""
    query = _runs().where(GOING_ON).order_by(RunRow.id)
    if public_bot_id is not None:
        query = query.where(RunRow.public_bot_id == public_bot_id)
    return [_run(*row) for row in await session.execute(query)]


async def recent(session: AsyncSession, states: Collection[RunState], limit: int) -> Sequence[Run]:
    """The last runs that ended so, newest first."""
    query = _runs().where(RunRow.state.in_(sorted(states)), MADE_HERE).order_by(RunRow.id.desc()).limit(limit)
    return [_run(*row) for row in await session.execute(query)]


async def last_of_each_bot(session: AsyncSession) -> Sequence[Run]:
    """The newest run of every public bot that ever had one, newest first."""
    newest = select(func.max(RunRow.id)).where(MADE_HERE).group_by(RunRow.public_bot_id)
    query = _runs().where(RunRow.id.in_(newest)).order_by(RunRow.id.desc())
    return [_run(*row) for row in await session.execute(query)]


async def made_again(session: AsyncSession, run: Run) -> Run | None:
    """The newest later run of the same public bot and period that came to an end well, or goes on."""
    in_vain = (RunState.FAILED, RunState.CANCELLED)
    query = _runs().where(
        RunRow.public_bot_id == run.public_bot_id,
        RunRow.id > run.id,
        RunRow.period_start == run.period.start,
        RunRow.period_end == run.period.end,
        RunRow.state.not_in(in_vain),
    )
    row = (await session.execute(query.order_by(RunRow.id.desc()).limit(1))).first()
    return _run(*row) if row else None


async def last_with_digest(session: AsyncSession, public_bot_id: int) -> Run | None:
    """The newest run of a public bot whose digest was made for somebody, given or on its way."""
    query = _runs().where(
        RunRow.public_bot_id == public_bot_id,
        RunRow.state.in_((RunState.DELIVERING, RunState.DONE)),
        RunRow.deliver.is_(True),
        exists().where(DigestRow.run_id == RunRow.id),
    )
    row = (await session.execute(query.order_by(RunRow.id.desc()).limit(1))).first()
    return _run(*row) if row else None


async def with_digest(session: AsyncSession, public_bot_id: int) -> Sequence[Run]:
    """All runs of a public bot whose digest is stored, whatever became of it, newest first."""
    has_digest = exists().where(DigestRow.run_id == RunRow.id)
    query = _runs().where(RunRow.public_bot_id == public_bot_id, has_digest, MADE_HERE).order_by(RunRow.id.desc())
    return [_run(*row) for row in await session.execute(query)]


async def last_given_period_end(session: AsyncSession, public_bot_id: int) -> datetime | None:
    """The end of the latest period whose digest was given; where the next one begins. A run may have given none.

    A period that reached into the future ended when its run was made: what was published later is not in it.
    """
    reached = case((RunRow.period_end < RunRow.created_at, RunRow.period_end), else_=RunRow.created_at)
    end: datetime | None = (await session.execute(_of_given(public_bot_id, func.max(reached)))).scalar_one()
    return end


async def last_given_at(session: AsyncSession, public_bot_id: int) -> datetime | None:
    """When the latest run was made whose digest was given: it has seen what had come to us by then."""
    made_at: datetime | None = (
        await session.execute(_of_given(public_bot_id, func.max(RunRow.created_at)))
    ).scalar_one()
    return made_at


async def transition(
    session: AsyncSession,
    run_id: int,
    expected: Collection[RunState],
    target: RunState,
    now: datetime,
    **changes: object,
) -> bool:
    """Move a run on, if it is still in one of the expected states. Whoever gets False does nothing."""
    result = await session.execute(
        update(RunRow)
        .where(RunRow.id == run_id, RunRow.state.in_(sorted(expected)))
        .values(state=target, version=RunRow.version + 1, stage_started_at=now, **changes)
    )
    has_moved = changed_rows(result) == 1
    if has_moved and target in ENDED:
        session.info.setdefault(ENDED_RUNS, {})[run_id] = target
    return has_moved


async def fail(session: AsyncSession, run_id: int, failure: Failure, now: datetime) -> bool:
    values = {"message_id": failure.message_id, "params": dict(failure.params)}
    return await transition(session, run_id, _going_on_states(), RunState.FAILED, now, failure=values, finished_at=now)


async def cancel(session: AsyncSession, run_id: int, cancelled_by: int | None, now: datetime) -> bool:
    return await transition(
        session, run_id, _going_on_states(), RunState.CANCELLED, now, cancelled_by=cancelled_by, finished_at=now
    )


async def set_paused(session: AsyncSession, run_id: int, *, is_paused: bool) -> bool:
    """Hold a delivery or let it go on. False: it is so already, or the run does not deliver."""
    result = await session.execute(
        update(RunRow)
        .where(RunRow.id == run_id, RunRow.state == RunState.DELIVERING, RunRow.is_paused.is_(not is_paused))
        .values(is_paused=is_paused, version=RunRow.version + 1)
    )
    return changed_rows(result) == 1


async def touch(session: AsyncSession, run_id: int) -> None:
    """Say that something of the run has changed: whoever shows it looks again."""
    await session.execute(_TOUCH, {"run": run_id})


async def switch_engine(session: AsyncSession, run_id: int, engine: Engine, notice: str | None) -> None:
    """Let another engine do what is left of a run."""
    await session.execute(
        update(RunRow)
        .where(RunRow.id == run_id, GOING_ON)
        .values(engine=engine, notice=notice, version=RunRow.version + 1)
    )


async def _in_the_way(session: AsyncSession, new: NewRun) -> int | None:
    """The run of the same command, else the one of this public bot that goes on."""
    if new.chat_id is not None:
        of_command = select(RunRow.id).where(RunRow.chat_id == new.chat_id, RunRow.message_id == new.message_id)
        run_id = (await session.execute(of_command)).scalar_one_or_none()
        if run_id is not None:
            return run_id
    of_bot = select(RunRow.id).where(RunRow.public_bot_id == new.public_bot_id, GOING_ON)
    return (await session.execute(of_bot)).scalar_one_or_none()


def _of_given(public_bot_id: int, column: ColumnElement[Any]) -> Select[Any]:
    return select(column).where(
        RunRow.public_bot_id == public_bot_id,
        RunRow.state == RunState.DONE,
        RunRow.deliver.is_(True),
        exists().where(DigestRow.run_id == RunRow.id),
    )


def changed_rows(result: Any) -> int:
    """How many rows a data-changing statement met."""
    assert isinstance(result, CursorResult)
    return result.rowcount


def _going_on_states() -> set[RunState]:
    return set(RunState) - ENDED


def _runs() -> Select[RunRow, str, str, str]:
    return (
        select(RunRow, PublicBotRow.slug, PublicBotRow.title, PublicBotRow.timezone)
        .join(PublicBotRow, PublicBotRow.id == RunRow.public_bot_id)
        .execution_options(populate_existing=True)
    )


def _run(row: RunRow, slug: str, title: str, timezone: str) -> Run:
    failure = row.failure
    return Run(
        id=row.id,
        public_bot_id=row.public_bot_id,
        bot_slug=slug,
        bot_title=title,
        state=RunState(row.state),
        version=row.version,
        engine=Engine(row.engine),
        provider=row.provider,
        model=row.model,
        period=Period(row.period_start, row.period_end, row.late_since),
        post_limit=row.post_limit,
        deliver=row.deliver,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        failure=Failure(failure["message_id"], failure["params"]) if failure else None,
        requested_by=row.requested_by,
        cancelled_by=row.cancelled_by,
        notice=row.notice,
        timezone=timezone,
        stage_started_at=row.stage_started_at,
        origin=row.origin,
        publish_at=row.publish_at,
        is_paused=row.is_paused,
        min_posts=row.min_posts,
        quiet_day=QuietDay(row.quiet_day) if row.quiet_day else None,
        asks_anew=row.asks_anew,
    )
