"""Who works, and everything that /status tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from storage.records.runs import Engine, RunProgress


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker's last sign of life. `machine` tells its kernel from others, where that can be told."""

    name: str
    host: str
    pid: int
    queues: tuple[str, ...]
    concurrency: int
    started_at: datetime
    seen_at: datetime
    machine: str | None = None


@dataclass(frozen=True, slots=True)
class StatusOverview:
    """Everything /status tells, at one moment.

    `workers` have the newest sign of life first, so the first `workers_alive` of them are alive; `queues` is None where
    the broker cannot be reached; `recent` are runs that have ended, newest first.
    """

    workers: tuple[Worker, ...]
    workers_alive: int
    queues: Mapping[str, int] | None
    engine: Engine
    active: tuple[RunProgress, ...]
    recent: tuple[RunProgress, ...]
    posts_stored: int
    sources: int
    now: datetime
