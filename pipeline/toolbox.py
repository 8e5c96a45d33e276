"""What a service needs to do its work, put together once per process by `wiring`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.coalescing import Coalescer
from pipeline.meter import Meter, NoMeter
from pipeline.ports import Couriers, Doorbell, Limiter, Model, ModelGate, Nameplate
from pipeline.solitude import Solitude
from settings import ProviderSettings, Settings
from storage.database import Database
from storage.records import Work


@dataclass(frozen=True)
class Provider:
    """A model with its limits. `name` tells providers apart in storage and in Redis; `turn` is had by the one call of
    this process that waits at the gate, so that a crowd does not ask it all the time."""

    name: str
    model: Model
    gate: ModelGate
    settings: ProviderSettings
    is_fallback: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    @property
    def missing_key(self) -> str | None:
        """The variable that is to hold its key, where it needs one and has none."""
        if not self.settings.lacks_key:
            return None
        return "DIGEST_LLM__FALLBACK__API_KEY" if self.is_fallback else "DIGEST_LLM__API_KEY"


@dataclass(frozen=True)
class Toolbox:
    """`providers` are the model's provider and, where there is one, its fallback. `now` gives the present moment, aware
    and in UTC; `owner` names this process in its claims.

    `in_hand` are the ids of the work that this process is really at, whose leases are renewed. `solitude` keeps what
    has killed a process away from the rest. `coalescer` lets batches share their trips to the database. `unrenewed` are
    the claims that look abandoned, with the time since when.
    """

    settings: Settings
    database: Database
    providers: tuple[Provider, ...]
    doorbell: Doorbell
    couriers: Couriers
    limiter: Limiter
    now: Callable[[], datetime]
    owner: str
    has_local_engine: bool = False
    in_hand: set[int] = field(default_factory=set)
    solitude: Solitude = field(default_factory=Solitude)
    coalescer: Coalescer = field(default_factory=Coalescer)
    unrenewed: dict[Work, datetime] = field(default_factory=dict)
    nameplate: Nameplate | None = None
    meter: Meter = field(default_factory=NoMeter)

    @property
    def model(self) -> Model:
        """The model that is asked as long as it works."""
        return self.providers[0].model
