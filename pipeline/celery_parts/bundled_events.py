"""What a worker tells of its tasks, to Flower for one, in bundles.

Celery sends them as they come, which on a busy worker costs as much as fetching the tasks.
"""

from __future__ import annotations

from typing import Any

from celery.bootsteps import ConsumerStep

SEND_EVERY_S = 0.5


class BundledEvents(ConsumerStep):  # type: ignore[misc]
    """Sends what was told meanwhile; `PatientConsumer` does not. Celery itself sends a bundle that grows too long."""

    requires = ("celery.worker.consumer:Events",)

    def start(self, worker_consumer: Any) -> None:
        if worker_consumer.hub is not None:
            worker_consumer.hub.call_repeatedly(SEND_EVERY_S, _send, worker_consumer)

    def stop(self, worker_consumer: Any) -> None:
        _send(worker_consumer)


def _send(worker_consumer: Any) -> None:
    if worker_consumer.event_dispatcher is not None:
        worker_consumer.event_dispatcher.flush()
