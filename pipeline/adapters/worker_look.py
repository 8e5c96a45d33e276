"""What workers say of themselves when they are asked over the broker: for people, never for what the bot decides."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from pipeline.adapters.doorbell import cause
from pipeline.celery_app import make_monitor_app
from pipeline.errors import BrokerUnavailable

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # of getrusage(2): bytes there, KiB elsewhere


@dataclass(frozen=True)
class WorkerLook:
    name: str
    pid: int
    up_s: int
    peak_bytes: int  # the most memory it ever had since it was started
    done: int  # tasks


def look_at_workers(broker_url: str, wait_s: float) -> tuple[WorkerLook, ...]:
    """All workers that answer in time, by name.

    Raises:
        BrokerUnavailable: there is nobody to pass the question on.
    """
    with closing(make_monitor_app(broker_url)) as app:
        try:
            answers: Mapping[str, Any] = app.control.inspect(timeout=wait_s).stats() or {}
        except (KombuError, RedisError, OSError) as error:
            raise BrokerUnavailable(cause(error)) from None
    return tuple(_look(name, answers[name]) for name in sorted(answers))


def _look(name: str, answer: Mapping[str, Any]) -> WorkerLook:
    return WorkerLook(
        name=name,
        pid=int(answer["pid"]),
        up_s=int(answer.get("uptime", 0)),
        peak_bytes=int(answer["rusage"]["maxrss"]) * PEAK_UNIT,
        done=sum(answer["total"].values()),
    )
