"""What a service needs to do its work, put together once per process by `wiring`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pipeline.ports import Doorbell, Model
from settings import Settings
from storage.database import Database


@dataclass(frozen=True)
class Toolbox:
    """`now` gives the present moment, aware and in UTC; `owner` names this process in its claims."""

    settings: Settings
    database: Database
    model: Model
    doorbell: Doorbell
    now: Callable[[], datetime]
    owner: str
    has_local_engine: bool = False
