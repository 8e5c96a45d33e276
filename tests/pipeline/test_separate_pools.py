"""A worker's threads: apart for each group of queues, and no more of them than it was told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future

import pytest

from pipeline.celery_parts.separate_pools import GROUPS, HOUSEKEEPERS, SeparatePools, groups_of, threads_of
from pipeline.queues import ALL_QUEUES

WAIT_S = 20.0


class Tasks:
    """Tasks of a pool, which last until they are let go."""

    def __init__(self, limit: int) -> None:
        self.pool = SeparatePools(limit=limit)
        self.began: list[str] = []
        self.results: list[Future[object]] = []
        self.let_go = threading.Event()
        self._changed = threading.Condition()

    def give(self, number: int, queue: str) -> None:
        self.give_odd(number, queue, {"routing_key": queue})

    def give_odd(self, number: int, name: str, delivery_info: object) -> None:
        def work(*_: object) -> None:
            with self._changed:
                self.began.append(name)
                self._changed.notify_all()
            self.let_go.wait(WAIT_S)

        for _ in range(number):
            given = ("a task", "an id", {"delivery_info": delivery_info})
            self.results.append(self.pool.on_apply(work, given, {}, callback=lambda _: None).f)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, WAIT_S), self.began


@pytest.fixture
def tasks() -> Tasks:
    return Tasks(limit=2)


def test_every_queue_is_in_one_group() -> None:
    assert sorted(queue for group in GROUPS for queue in group) == sorted(ALL_QUEUES)
    assert groups_of(["housekeeping", "summarize"]) == [("summarize",), ("housekeeping",)]
    assert threads_of(("deliver",), 32) == 32
    assert threads_of(("housekeeping",), 32) == HOUSEKEEPERS
    assert threads_of(("housekeeping",), 1) == 1


def test_what_waits_for_a_model_takes_no_thread_of_the_rest(tasks: Tasks) -> None:
    tasks.give(5, "categorize")
    tasks.wait_for(lambda: len(tasks.began) == 2)
    for queue in ("deliver", "housekeeping"):
        tasks.give(1, queue)
    tasks.wait_for(lambda: sorted(tasks.began) == ["categorize", "categorize", "deliver", "housekeeping"])
    tasks.give(1, "summarize")
    tasks.let_go.set()
    tasks.wait_for(lambda: tasks.began.count("categorize") == 5 and "summarize" in tasks.began)
    tasks.pool.on_stop()


@pytest.mark.parametrize("info", [None, {}, {"routing_key": None}, {"routing_key": "of somebody else"}])
def test_a_message_that_does_not_say_where_it_comes_from_is_worked_on(tasks: Tasks, info: object) -> None:
    tasks.let_go.set()
    tasks.give_odd(1, "odd", info)
    tasks.wait_for(lambda: tasks.began == ["odd"])
    tasks.pool.on_stop()


def test_a_stop_begins_nothing_more_and_waits_for_what_was_begun(tasks: Tasks) -> None:
    tasks.give(9, "deliver")
    tasks.wait_for(lambda: len(tasks.began) == 2)
    stopping = threading.Thread(target=tasks.pool.on_stop)
    stopping.start()
    with pytest.raises(CancelledError):  # what has not begun goes back to Redis
        tasks.results[-1].result(WAIT_S)
    assert stopping.is_alive()
    tasks.let_go.set()
    stopping.join(WAIT_S)
    assert not stopping.is_alive()
    assert len(tasks.began) == 2
