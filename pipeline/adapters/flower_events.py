"""What Flower hears of tasks and workers, with a patience of its own: while Redis is away it looks every two seconds.

Flower itself waits twice as long each time, without end: after an outage of an hour it would be blind for an hour more.
"""

from __future__ import annotations

import logging
import time

from celery.events import EventReceiver
from flower.events import Events
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from pipeline.adapters.doorbell import cause

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
AWAY = (OSError, KombuError, RedisError)


class PatientEvents(Events):  # type: ignore[misc]
    """Everything but the waiting is Flower's."""

    def run(self) -> None:
        has_said = False
        while True:
            try:
                with self.capp.connection() as connection:
                    connection.ensure_connection(max_retries=1)
                    if has_said:
                        log.info("Redis answers again.")
                    has_said = False
                    EventReceiver(connection, handlers={"*": self.on_event}, app=self.capp).capture(
                        limit=None, timeout=None, wakeup=True
                    )
            except Exception as error:
                if not has_said:
                    sentence = "Redis does not answer (%s): Flower waits for it and goes on by itself."
                    log.warning(sentence, cause(error), exc_info=not isinstance(error, AWAY))
                has_said = True
                time.sleep(LOOK_EVERY_S)
