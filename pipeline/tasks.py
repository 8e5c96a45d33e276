"""The doors: Celery's tasks. An id comes in, one service is called, nothing goes out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

from celery import Celery

from storage.database import AWAY, trouble
from storage.records import WorkKind

log = logging.getLogger(__name__)

MOST = 2**63 - 1  # that a database has room for in an id


class Performer(Protocol):
    """Does work of this kind and returns when it is done, put off, or nobody's business any more."""

    def perform(self, kind: WorkKind, work_id: int) -> None: ...

    def plan_of(self, run_id: int) -> int | None: ...

    def deliver(self, digest_id: int) -> None: ...


def register_tasks(app: Celery, performer: Performer) -> None:
    """Give the application its tasks, by the names that Flower shows."""

    @_door(app, WorkKind.PLAN)
    def process_bot_digest(run_id: int) -> None:
        work_id = performer.plan_of(run_id)
        if work_id is not None:
            performer.perform(WorkKind.PLAN, work_id)

    @_door(app, WorkKind.CATEGORIZE)
    def categorize_posts(work_id: int) -> None:
        performer.perform(WorkKind.CATEGORIZE, work_id)

    @_door(app, WorkKind.SUMMARIZE)
    def summarize_posts(work_id: int) -> None:
        performer.perform(WorkKind.SUMMARIZE, work_id)

    @_door(app, WorkKind.ASSEMBLE)
    def assemble_digest(work_id: int) -> None:
        performer.perform(WorkKind.ASSEMBLE, work_id)

    @_door(app, WorkKind.DELIVER)
    def deliver_digest(digest_id: int) -> None:
        performer.deliver(digest_id)


def _door(app: Celery, kind: WorkKind) -> Callable[[Callable[[int], None]], object]:
    """The one policy of all tasks: log what was done; an error is a line here and the tick's business from then on.

    What another version has sent, and is no id, is dropped.
    """

    def register(door: Callable[[int], None]) -> object:
        def task(*arguments: object, **named: object) -> None:
            number = _only_id(arguments) if not named else None
            if number is None:
                log.warning("%s was told something else than an id; the message was dropped.", kind.value)
                return
            started = time.monotonic()
            try:
                door(number)
            except AWAY as error:
                log.warning("%s(%s) waits for the database: %s.", kind.value, number, trouble(error))
            except Exception:
                log.exception("%s(%s) failed", kind.value, number)
            else:
                log.info("%s(%s) took %.2f s", kind.value, number, time.monotonic() - started)

        return app.task(task, name=kind.value, ignore_result=True)

    return register


def _only_id(arguments: tuple[object, ...]) -> int | None:
    match arguments:
        case (bool(),):
            return None
        case (int() as number,) if 0 < number <= MOST:
            return number
    return None
