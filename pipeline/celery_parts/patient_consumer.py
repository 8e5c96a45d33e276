"""Celery's consumer with a patience of its own: while Redis is away it says so once, and looks again every two seconds.

Celery itself waits up to 30 s between two looks, longer each time, and tells each of them.
"""

from __future__ import annotations

import logging

from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown
from kombu.connection import Connection

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0


class PatientConsumer(Consumer):  # type: ignore[misc]
    """Named in the worker's application; everything but the waiting is Celery's."""

    def on_send_event_buffered(self) -> None:
        """`BundledEvents` sends it."""

    def ensure_connected(self, conn: Connection) -> Connection:
        """Wait for the broker, however long it takes."""
        has_said = False

        def on_error(error: Exception, _interval: float) -> None:
            nonlocal has_said
            if not has_said:
                log.warning("Redis does not answer (%s): this worker waits for it and goes on by itself.", error)
                has_said = True

        conn.ensure_connection(  # type: ignore[no-untyped-call]
            on_error, None, interval_start=LOOK_EVERY_S, interval_step=0, interval_max=LOOK_EVERY_S,
            callback=maybe_shutdown,
        )  # fmt: skip
        self.first_connection_attempt = False
        if has_said:
            log.info("Redis answers again.")
        return conn
