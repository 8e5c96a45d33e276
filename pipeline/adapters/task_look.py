"""What workers are at, as they say when all of them are asked over the broker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from celery.app.control import Inspect
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from pipeline.adapters.doorbell import cause
from pipeline.celery_app import make_monitor_app
from pipeline.errors import BrokerUnavailable
from storage.records import TaskSeen, WorkerTasks

WAIT_S = 2.0

Reply = Mapping[str, Sequence[Mapping[str, Any]]]


async def look_at_tasks(broker_url: str, workers: Collection[str]) -> tuple[WorkerTasks, ...]:
    """What these workers have in hand and what they have taken beside it, of those that answer within two seconds.

    Raises:
        BrokerUnavailable: there is nobody to pass the question on.
    """
    if not workers:
        return ()
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="inspection") as threads:
        loop = asyncio.get_running_loop()
        active, reserved = await asyncio.gather(
            *(loop.run_in_executor(threads, _ask, broker_url, sorted(workers), question) for question in QUESTIONS)
        )
    return tuple(_tasks(name, active, reserved) for name in sorted(active.keys() | reserved.keys()))


QUESTIONS: tuple[Callable[[Inspect], Reply | None], ...] = (
    lambda inspect: inspect.active(),
    lambda inspect: inspect.reserved(),
)


def _ask(broker_url: str, workers: list[str], question: Callable[[Inspect], Reply | None]) -> Reply:
    """The answers of those who gave one; it is over as soon as all did."""
    with closing(make_monitor_app(broker_url)) as app:
        try:
            return question(app.control.inspect(workers, timeout=WAIT_S, limit=len(workers))) or {}
        except (KombuError, RedisError, OSError) as error:
            raise BrokerUnavailable(cause(error)) from None


def _tasks(name: str, active: Reply, reserved: Reply) -> WorkerTasks:
    return WorkerTasks(
        name,
        active=tuple(_task(one) for one in active.get(name, ())),
        reserved=tuple(_task(one) for one in reserved.get(name, ())),
    )


def _task(said: Mapping[str, Any]) -> TaskSeen:
    arguments, began = said.get("args") or [], said.get("time_start")
    number = arguments[0] if arguments and isinstance(arguments[0], int) else None
    started_at = datetime.fromtimestamp(began, UTC) if isinstance(began, int | float) else None
    return TaskSeen(str(said.get("name")), str(said.get("id")), number, started_at)
