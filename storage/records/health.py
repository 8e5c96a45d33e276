"""What is looked at when an installation is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from storage.records.runs import Failure


@dataclass(frozen=True, slots=True)
class DatabaseLook:
    """A database that was looked at and not touched.

    `place` names it without a password. `revision` is its schema's, None: it has none yet; `is_known` whether this code
    knows it, `head` what this code needs. `unreachable` says why it cannot be read, `unwritable` why nothing can be
    written. `exists` is False for an SQLite file that is not there yet.
    """

    place: str
    head: str
    exists: bool = True
    revision: str | None = None
    is_known: bool = True
    unwritable: str | None = None
    unreachable: str | None = None

    @property
    def is_current(self) -> bool:
        """Whether its rows can be read by this code."""
        return self.exists and self.unreachable is None and self.revision == self.head


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has a role, and until when."""

    owner: str
    until: datetime


@dataclass(frozen=True, slots=True)
class SelfTest:
    """A try of the model through a worker: `failure` says why it did not work, once `finished_at` is there."""

    id: int
    asked_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    worker: str | None = None
    model: str | None = None
    duration_ms: int | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """A task that a worker has: `number` is what it was told, `started_at` None: it has not been begun."""

    name: str
    id: str
    number: int | None
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class WorkerTasks:
    """What a worker is at (`active`) and has taken beside it (`reserved`)."""

    worker: str
    active: tuple[TaskSeen, ...]
    reserved: tuple[TaskSeen, ...]


@dataclass(frozen=True, slots=True)
class RunOfTask:
    run_id: int
    slug: str


@dataclass(frozen=True, slots=True)
class TasksOverview:
    """What all workers are at, at one moment. `silent` are living workers that did not answer in time; `runs` tells for
    which run a task works, by its name and number, where rows tell. `needs_workers` False: the bot does the work."""

    workers: tuple[WorkerTasks, ...]
    silent: tuple[str, ...]
    runs: Mapping[tuple[str, int], RunOfTask]
    needs_workers: bool
    now: datetime
