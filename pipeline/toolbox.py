"""What a service needs to do its work, put together once per process by `wiring`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.ports import Couriers, Doorbell, Limiter, Model
from settings import Settings
from storage.database import Database


@dataclass(frozen=True)
class Toolbox:
    """`now` gives the present moment, aware and in UTC; `owner` names this process in its claims.

    `in_hand` are the ids of the work that this process is really at, whose leases are renewed.
    """

    settings: Settings
    database: Database
    model: Model
    doorbell: Doorbell
    couriers: Couriers
    limiter: Limiter
    now: Callable[[], datetime]
    owner: str
    has_local_engine: bool = False
    in_hand: set[int] = field(default_factory=set)
