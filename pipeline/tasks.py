"""The doors: Celery's tasks. An id comes in, one service is called, nothing goes out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

from celery import Celery

from pipeline.log_marks import found_by, new_error_id
from pipeline.meter import Meter, TaskOutcome
from pipeline.queues import SELF_TEST
from storage.database import AWAY, trouble
from storage.records import WorkKind

log = logging.getLogger(__name__)

MOST = 2**63 - 1  # that a database has room for in an id


class Performer(Protocol):
    """Does work of this kind and returns when it is done, put off, or nobody's business any more. It counts what it
    does; the doors count what never came to it or came back with an error."""

    @property
    def meter(self) -> Meter: ...

    def perform(self, kind: WorkKind, work_id: int) -> None: ...

    def plan_of(self, run_id: int) -> int | None: ...

    def deliver(self, digest_id: int) -> None: ...

    def test_model(self, self_test_id: int) -> None: ...


def register_tasks(app: Celery, performer: Performer) -> None:
    """Give the application its tasks, by the names that Flower shows."""

    @_door(app, WorkKind.PLAN.value, performer)
    def process_bot_digest(run_id: int) -> None:
        work_id = performer.plan_of(run_id)
        if work_id is not None:
            performer.perform(WorkKind.PLAN, work_id)

    @_door(app, WorkKind.CATEGORIZE.value, performer)
    def categorize_posts(work_id: int) -> None:
        performer.perform(WorkKind.CATEGORIZE, work_id)

    @_door(app, WorkKind.SUMMARIZE.value, performer)
    def summarize_posts(work_id: int) -> None:
        performer.perform(WorkKind.SUMMARIZE, work_id)

    @_door(app, WorkKind.ASSEMBLE.value, performer)
    def assemble_digest(work_id: int) -> None:
        performer.perform(WorkKind.ASSEMBLE, work_id)

    @_door(app, WorkKind.DELIVER.value, performer)
    def deliver_digest(digest_id: int) -> None:
        performer.deliver(digest_id)

    @_door(app, SELF_TEST, performer)
    def test_ai_service(self_test_id: int) -> None:
        performer.test_model(self_test_id)


def _door(app: Celery, name: str, performer: Performer) -> Callable[[Callable[[int], None]], object]:
    """The one policy of all tasks: log what was done; an error is a line here and the tick's business from then on.

    What another version has sent, and is no id, is dropped.
    """

    def register(door: Callable[[int], None]) -> object:
        def task(*arguments: object, **named: object) -> None:
            number = _only_id(arguments) if not named else None
            if number is None:
                log.warning("%s was told something else than an id; the message was dropped.", name)
                performer.meter.task_ended(name, TaskOutcome.DROPPED, 0.0)
                return
            started = time.monotonic()
            try:
                door(number)
            except AWAY as error:
                log.warning("%s(%s) waits for the database: %s.", name, number, trouble(error))
                performer.meter.task_ended(name, TaskOutcome.DATABASE_AWAY, time.monotonic() - started)
            except Exception:
                log.exception("%s(%s) failed", name, number, extra=found_by(new_error_id()))
                performer.meter.task_ended(name, TaskOutcome.FAILED, time.monotonic() - started)

        return app.task(task, name=name, ignore_result=True, shared=False)

    return register


def _only_id(arguments: tuple[object, ...]) -> int | None:
    match arguments:
        case (bool(),):
            return None
        case (int() as number,) if 0 < number <= MOST:
            return number
    return None
