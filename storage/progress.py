"""How far runs have got: everything a person asks about them, derived from rows at one moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage import delivery_progress, operators, providers, subscribers
from storage.models import ModelCallRow, PublicBotRow, RunPostRow, WorkRow
from storage.records import PostStatus, Run, RunProgress, RunState, WorkState


@dataclass(frozen=True, slots=True)
class _Spent:
    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    fallback_model: str | None = None


@dataclass(frozen=True, slots=True)
class _Held:
    """What of its public bot holds a run up."""

    is_paused: bool = False
    parked_until: datetime | None = None
    token_fault: str | None = None


NOTHING = _Spent()
FREE = _Held()
ASKS_A_MODEL = frozenset({RunState.QUEUED, RunState.COLLECTING, RunState.CATEGORIZING, RunState.SUMMARIZING})
HAS_READERS = frozenset({RunState.AWAITING_APPROVAL, RunState.DELIVERING})


async def of_runs(session: AsyncSession, runs: Sequence[Run]) -> Sequence[RunProgress]:
    """The runs with their counts, in the same order."""
    ids = [run.id for run in runs]
    posts = await posts_of_runs(session, ids)
    spent = await _spending(session, ids)
    put_off = await _reasons_to_wait(session, ids)
    delivered = await delivery_progress.progress(session, ids)
    actions = await operators.actions_of_runs(session, ids)
    bot_ids = {run.public_bot_id for run in runs if run.state in HAS_READERS}
    readers = await subscribers.count_active(session, bot_ids)
    held = await _held(session, bot_ids)
    blocked = await providers.blocked(session, {run.model for run in runs if run.state in ASKS_A_MODEL})
    return [
        RunProgress(
            run=run,
            posts=posts.get(run.id, {}),
            model_calls=spent.get(run.id, NOTHING).model_calls,
            input_tokens=spent.get(run.id, NOTHING).input_tokens,
            output_tokens=spent.get(run.id, NOTHING).output_tokens,
            cost=spent.get(run.id, NOTHING).cost,
            waits_because=put_off.get(run.id),
            delivery=delivered.get(run.id),
            actions=tuple(actions.get(run.id, ())),
            parked_until=held.get(run.public_bot_id, FREE).parked_until,
            readers=readers.get(run.public_bot_id, 0),
            is_bot_paused=held.get(run.public_bot_id, FREE).is_paused,
            token_fault=held.get(run.public_bot_id, FREE).token_fault,
            fallback_model=spent.get(run.id, NOTHING).fallback_model,
            model_failure=blocked.get(run.model) if run.state in ASKS_A_MODEL else None,
        )
        for run in runs
    ]


async def posts_of_runs(session: AsyncSession, ids: Collection[int]) -> Mapping[int, Mapping[PostStatus, int]]:
    """How many posts of each of these runs are where; a run without posts is not in the answer."""
    query = (
        select(RunPostRow.run_id, RunPostRow.status, func.count())
        .where(RunPostRow.run_id.in_(sorted(ids)))
        .group_by(RunPostRow.run_id, RunPostRow.status)
    )
    counts: dict[int, dict[PostStatus, int]] = defaultdict(dict)
    for run_id, status, number in await session.execute(query):
        counts[run_id][PostStatus(status)] = number
    return counts


async def _spending(session: AsyncSession, ids: Sequence[int]) -> Mapping[int, _Spent]:
    query = (
        select(
            ModelCallRow.run_id,
            func.count(),
            func.sum(ModelCallRow.input_tokens),
            func.sum(ModelCallRow.output_tokens),
            func.sum(ModelCallRow.cost),
            func.max(case((ModelCallRow.is_fallback & (ModelCallRow.outcome == "ok"), ModelCallRow.model))),
        )
        .where(ModelCallRow.run_id.in_(ids))
        .group_by(ModelCallRow.run_id)
    )
    rows = await session.execute(query)
    return {row[0]: _Spent(row[1], int(row[2]), int(row[3]), float(row[4]), row[5]) for row in rows}


async def _reasons_to_wait(session: AsyncSession, ids: Sequence[int]) -> Mapping[int, str]:
    query = (
        select(WorkRow.run_id, func.max(WorkRow.last_error))
        .where(WorkRow.run_id.in_(ids), WorkRow.state == WorkState.PENDING, WorkRow.retries > 0)
        .group_by(WorkRow.run_id)
    )
    return {run_id: reason for run_id, reason in await session.execute(query) if reason}


async def _held(session: AsyncSession, bot_ids: Collection[int]) -> Mapping[int, _Held]:
    columns = (PublicBotRow.id, PublicBotRow.is_paused, PublicBotRow.parked_until, PublicBotRow.token_fault)
    query = select(*columns).where(PublicBotRow.id.in_(sorted(bot_ids)))
    return {row[0]: _Held(row[1], row[2], row[3]) for row in await session.execute(query)}
