"""The worker process: Celery's threads in front, one event loop in a thread of its own behind them.

The loop, the tools and the pulse start before Celery does and stop after its pool has drained.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import warnings
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import uvloop
from celery import signals
from celery.apps import worker as celery_worker
from celery.platforms import SecurityWarning

from pipeline.celery_app import make_worker_app
from pipeline.celery_parts.bundled_events import BundledEvents
from pipeline.celery_parts.separate_pools import groups_of, step_for, tell_all_queues
from pipeline.fault_points import arm
from pipeline.logs import name_process
from pipeline.meter import Meter
from pipeline.pulse import Pulse
from pipeline.services.neighbours import refuse_foreign_redis
from pipeline.services.self_testing import do_self_test
from pipeline.services.working import perform, perform_delivery
from pipeline.tasks import register_tasks
from pipeline.toolbox import Toolbox
from pipeline.wiring import make_worker_record, open_process
from settings import Settings
from storage import work
from storage.records import WorkKind

T = TypeVar("T")
log = logging.getLogger(__name__)

GRACE_S = 8.0


class LoopThread:
    """An event loop in a thread, for code that is not async."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loop", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it on the loop and wait for its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def call_later(self, seconds: float, callback: Any) -> None:
        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, callback)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class WorkerProcess:
    """Everything of a worker but Celery itself. Tasks enter through `perform`."""

    def __init__(self, settings: Settings, name: str, queues: Sequence[str], concurrency: int) -> None:
        self._settings = settings
        self._name = name
        self._queues = tuple(queues)
        self._concurrency = concurrency
        self._loop = LoopThread()
        self._stack = AsyncExitStack()
        self._in_hand: set[asyncio.Task[object]] = set()
        self.refusal: BaseException | None = None
        self._tools: Toolbox

    def start(self) -> None:
        self._loop.run(self._open())

    def stop(self) -> None:
        self._loop.run(self._hand_back_what_is_left())
        self._loop.run(self._stack.aclose())
        self._loop.stop()

    @property
    def meter(self) -> Meter:
        return self._tools.meter

    def plan_of(self, run_id: int) -> int | None:
        return self._loop.run(self._plan_of(run_id))

    def perform(self, kind: WorkKind, work_id: int) -> None:
        self._loop.run(self._guarded(lambda: perform(self._tools, kind, work_id)))

    def deliver(self, digest_id: int) -> None:
        self._loop.run(self._guarded(lambda: perform_delivery(self._tools, digest_id)))

    def test_model(self, self_test_id: int) -> None:
        self._loop.run(self._guarded(lambda: do_self_test(self._tools, self_test_id, self._name)))

    def end_soon(self) -> None:
        """Let what is in hand finish within the grace period; what is left then is handed back."""
        self._loop.call_later(GRACE_S, self._cancel_what_is_left)

    async def _open(self) -> None:
        process = await self._stack.enter_async_context(open_process(self._settings, "worker"))
        self._tools = process.tools
        await refuse_foreign_redis(self._tools)
        pulse = Pulse(self._tools, make_worker_record(self._name, self._tools.owner, self._queues, self._concurrency))
        pulse.start()
        self._stack.push_async_callback(pulse.stop)
        pulse.refused.add_done_callback(self._on_refused)

    def _on_refused(self, refused: asyncio.Future[None]) -> None:
        self.refusal = refused.exception()
        os.kill(os.getpid(), signal.SIGTERM)

    async def _plan_of(self, run_id: int) -> int | None:
        async with self._tools.database.read() as session:
            return await work.plan_of(session, run_id)

    async def _guarded(self, work_on: Callable[[], Coroutine[Any, Any, object]]) -> None:
        task = asyncio.ensure_future(work_on())
        self._in_hand.add(task)
        try:
            await task
        except asyncio.CancelledError:
            return  # handed back: the work says so
        finally:
            self._in_hand.discard(task)

    async def _hand_back_what_is_left(self) -> None:
        """For a stop that did not wait for the pool: no thread may wait for a loop that is gone."""
        self._cancel_what_is_left()
        await asyncio.gather(*self._in_hand, return_exceptions=True)

    def _cancel_what_is_left(self) -> None:
        for task in self._in_hand:
            task.cancel()


def _leave_logging_alone(**_: object) -> None:
    """Having a receiver is what keeps Celery from setting up logging its own way."""


def _keep_quiet(*_: object) -> None:
    """What Celery writes beside the log when a signal comes: it would be no line of JSON."""


def run_worker(settings: Settings, queues: Sequence[str], concurrency: int, name: str | None) -> int:
    """Work until SIGTERM; the exit code is 0 when everything in hand was finished or handed back.

    Raises:
        ForeignRedis: another installation works with this Redis.
        AnotherMachine: the database is an SQLite file, and a process on another machine works with it.
    """
    arm(os.environ)
    hostname = name_process(name or f"worker-{os.getpid()}")
    process = WorkerProcess(settings, hostname, queues, concurrency)
    try:
        process.start()
        app = make_worker_app(settings.redis.url)
        register_tasks(app, process)

        def on_shutting_down(**_: object) -> None:
            process.end_soon()

        signals.worker_shutting_down.connect(on_shutting_down, weak=False)
        celery_worker.safe_say = _keep_quiet
        signals.setup_logging.connect(_leave_logging_alone, weak=False)
        warnings.filterwarnings("ignore", category=SecurityWarning)  # it is about pickle; only JSON is accepted here
        mine, *others = groups_of(queues)
        app.steps["consumer"].add(step_for(others, concurrency))
        app.steps["consumer"].add(BundledEvents)
        tell_all_queues(app, queues)
        worker = app.Worker(
            hostname=hostname, pool="pipeline.celery_parts.separate_pools:SeparatePools", concurrency=concurrency,
            queues=list(mine), without_mingle=True, without_gossip=True, quiet=True,
        )  # fmt: skip
        worker.start()
        if process.refusal is not None:
            raise process.refusal
        return int(worker.exitcode or 0)
    finally:
        process.stop()
