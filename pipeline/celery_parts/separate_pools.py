"""A worker's threads, apart for model work, delivery and housekeeping: calls that take a minute hold up neither a
delivery nor the planning of a run.

Each group of queues has threads of its own, and a channel of its own to Redis: else messages that wait for a thread of
one group would keep those of another from being fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery import Celery
from celery.bootsteps import ConsumerStep
from celery.concurrency.base import apply_target
from celery.concurrency.thread import ApplyResult, TaskPool
from celery.worker.control import Panel
from kombu.messaging import Consumer

Group = tuple[str, ...]

GROUPS: Sequence[Group] = (("categorize", "summarize"), ("deliver",), ("housekeeping",))
HOUSEKEEPERS = 4


def groups_of(queues: Sequence[str]) -> list[Group]:
    """These queues by group, without groups that none of them is of."""
    found = [tuple(queue for queue in group if queue in queues) for group in GROUPS]
    return [group for group in found if group]


def threads_of(group: Group, concurrency: int) -> int:
    """How many tasks of a group a worker does at the same time."""
    return min(HOUSEKEEPERS, concurrency) if "housekeeping" in group else concurrency


class SeparatePools(TaskPool):  # type: ignore[misc]
    """Celery's pool of threads, once for each group of queues."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.executor.shutdown()  # nobody's; it has started no thread
        pools = {group: ThreadPoolExecutor(threads_of(group, self.limit)) for group in GROUPS}
        self._pools = {queue: pools[group] for group in GROUPS for queue in group}

    def on_stop(self) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in self._pools.values():
            pool.shutdown()
        super().on_stop()

    def on_apply(
        self, target: Any, args: Any = None, kwargs: Any = None, callback: Any = None, accept_callback: Any = None,
        **_: Any,
    ) -> ApplyResult:  # fmt: skip
        """`args` are those of Celery's tracer: the task's name, its id, its message's headers, which others may have
        written …"""
        queue: Any = (args[2].get("delivery_info") or {}).get("routing_key")
        pool = self._pools.get(queue, self._pools[GROUPS[0][0]])
        return ApplyResult(pool.submit(apply_target, target, args, kwargs, callback, accept_callback))


def step_for(groups: Sequence[Group], concurrency: int) -> type[ConsumerStep]:
    """The part of a worker that fetches messages for these groups, beside Celery's own part for another one."""

    class OtherGroups(ConsumerStep):  # type: ignore[misc]
        requires = ("celery.worker.consumer:Tasks",)

        def start(self, worker_consumer: Any) -> None:
            self.consumers = [_consumer(worker_consumer, group, threads_of(group, concurrency)) for group in groups]
            for consumer in self.consumers:
                consumer.consume()  # type: ignore[no-untyped-call]

    return OtherGroups


def tell_all_queues(app: Celery, queues: Sequence[str]) -> None:
    """Let a worker that is asked, by Flower for one, name all queues it serves, not only those of Celery's own part."""

    def active_queues(_state: object, **_: object) -> list[dict[str, object]]:
        return [dict(app.amqp.queues[queue].as_dict(recurse=True)) for queue in queues]

    Panel.data["active_queues"] = active_queues


def _consumer(worker_consumer: Any, group: Group, threads: int) -> Consumer:
    return Consumer(  # type: ignore[no-untyped-call]
        worker_consumer.connection.channel(),
        queues=[worker_consumer.app.amqp.queues[queue] for queue in group],
        on_message=worker_consumer.create_task_handler(),
        on_decode_error=worker_consumer.on_decode_error,
        accept=["json"],
        prefetch_count=threads,
    )
