"""How the installation is, for whoever watches it: read from rows and queue lengths, each part within its time."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfoNotFoundError

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.errors import BrokerUnavailable
from pipeline.meter import Situation, Stored
from pipeline.queues import ALL_QUEUES, QUEUES
from pipeline.services.overview import alive
from pipeline.services.ticking import HOLD as TICK_HOLD
from pipeline.services.ticking import ROLE as TICK_ROLE
from pipeline.stages.delivery import MOST_LANES
from pipeline.stages.schedule import UnusableCron
from pipeline.stages.slots import due_slot
from pipeline.toolbox import Toolbox
from storage import providers, situation, slots, workers
from storage.records import RunState, WorkKind
from storage.slots import Scheduled

T = TypeVar("T")

DEADLINE_S = 3.0
PATIENCE = timedelta(minutes=1)  # with a digest that is due


class Lookout:
    """Looks when asked. What has not answered yet is not asked once more: a database that hangs is asked once.

    `folder` is where the installation's files are.
    """

    def __init__(self, tools: Toolbox, folder: Path) -> None:
        self._tools = tools
        self._folder = folder
        self._asked: dict[str, asyncio.Task[object]] = {}

    async def look(self) -> Situation:
        """The situation, in three seconds at most."""
        stored, queues, free = (
            self._ask("stored", lambda: _stored(self._tools)),
            self._ask("queues", self._tools.doorbell.depths),
            self._ask("disk", lambda: asyncio.to_thread(_free_bytes, self._folder)),
        )
        await asyncio.wait({stored, queues, free}, timeout=DEADLINE_S)
        return Situation(
            stored=_result(stored),
            queues=_result(queues),
            disk_free_bytes=_result(free),
            has_broker=self._tools.settings.engine.mode != "local",
        )

    def _ask(self, name: str, question: Callable[[], Awaitable[T]]) -> asyncio.Task[T | None]:
        asked = self._asked.get(name)
        if asked is None or asked.done():
            asked = asyncio.create_task(_answer(question))
            self._asked[name] = asked
        return asked  # type: ignore[return-value]


async def _answer(question: Callable[[], Awaitable[T]]) -> T | None:
    try:
        return await question()
    except (SQLAlchemyError, BrokerUnavailable, OSError):
        return None


def _result(asked: asyncio.Task[T | None]) -> T | None:
    return asked.result() if asked.done() and not asked.cancelled() else None


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


async def _stored(tools: Toolbox) -> Stored:
    now = tools.now()
    async with tools.database.read() as session:
        runs = await situation.going_on_by_state(session)
        oldest = await situation.oldest_due(session, now)
        return Stored(
            runs={state: runs.get(state, 0) for state in RunState if not state.has_ended},
            oldest_task_s={queue: _age(queue, oldest, now) for queue in ALL_QUEUES},
            workers=sum(alive(worker, now) for worker in await workers.everyone(session)),
            is_bot_serving=await workers.role_is_held(session, workers.BOT, now, workers.BOT_HOLD),
            is_tick_held=await workers.role_is_held(session, TICK_ROLE, now, TICK_HOLD),
            deliveries_in_doubt=await situation.deliveries_in_doubt(session, MOST_LANES),
            is_model_blocked=bool(await providers.blocked(session, {tools.model.name})),
            token_faults=await situation.token_faults(session),
            overdue_schedules=await _overdue(session, now),
        )


def _age(queue: str, oldest: Mapping[WorkKind, datetime], now: datetime) -> float:
    return max(((now - since).total_seconds() for kind, since in oldest.items() if QUEUES[kind] == queue), default=0.0)


async def _overdue(session: AsyncSession, now: datetime) -> int:
    """Public bots whose digest is late: nobody has begun with it, or whoever has is still at it."""
    unbegun = {bot.public_bot_id for bot in await slots.scheduled(session) if _is_unbegun(bot, now)}
    return len(unbegun | await situation.late_bots(session, now, PATIENCE))


def _is_unbegun(bot: Scheduled, now: datetime) -> bool:
    """A schedule that cannot be read is told to the operators, and wants nothing."""
    try:
        return due_slot(bot.cron, bot.timezone, since=bot.since, last=bot.last, now=now, lead=-PATIENCE) is not None
    except (UnusableCron, ZoneInfoNotFoundError):
        return False
