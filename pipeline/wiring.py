"""The one place where things are put together: settings in, a toolbox out."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.adapters.couriers import PublicCouriers
from pipeline.adapters.doorbell import CeleryDoorbell, LocalDoorbell
from pipeline.adapters.limiter import LimiterWithFallback, LocalLimiter, RedisLimiter
from pipeline.adapters.local_model_gate import LocalModelGate
from pipeline.adapters.model_gate import ModelGateWithFallback, RedisModelGate
from pipeline.adapters.nameplate import RedisNameplate
from pipeline.adapters.token_box import open_token_box
from pipeline.local_engine import LocalEngine
from pipeline.meter import NoMeter
from pipeline.ports import Doorbell, Limiter, Limits, Model, ModelGate
from pipeline.pulse import Pulse, host_of, owner_name
from pipeline.services.counting import RunCounter
from pipeline.services.observing import Lookout
from pipeline.services.one_machine import refuse_another_machine
from pipeline.toolbox import Provider, Toolbox
from settings import HOME, ProviderSettings, Settings, metrics_folder
from storage import installation, workers
from storage.database import Database, database_url
from storage.records import Worker
from storage.schema import migrate

if TYPE_CHECKING:
    from pipeline.adapters.metrics.endpoint import Endpoint

log = logging.getLogger(__name__)


@dataclass
class Process:
    """The tools of this process, and the event that wakes its local engine."""

    tools: Toolbox
    nudged: asyncio.Event


@asynccontextmanager
async def open_process(
    settings: Settings, role: str | None = None, *, with_local_engine: bool = False
) -> AsyncIterator[Process]:
    """Migrate the database and lay out the tools; everything is closed in the end. `role` is what this process is to
    whoever watches the metrics; without one it counts nothing, and does not warn of a missing key.

    Raises:
        BadDatabaseUrl, SchemaTooNew, DatabaseUnreachable: see storage.
        AnotherMachine: it is an SQLite file, and a process on another machine works with it.
    """
    url = database_url(settings.database.url, HOME)
    await migrate(url)
    nudged = asyncio.Event()
    database = Database(url, settings.database.pool_size)
    endpoint = await open_endpoint(settings, database, role)
    tools = Toolbox(
        settings=settings,
        database=database,
        providers=make_providers(settings),
        doorbell=make_doorbell(settings, nudged.set),
        couriers=PublicCouriers(settings.telegram.api_url, lambda: open_token_box(settings.security, make_key=False)),
        limiter=make_limiter(settings, with_local_engine=with_local_engine),
        now=utc_now,
        owner=owner_name(),
        has_local_engine=with_local_engine,
        nameplate=None if settings.engine.mode == "local" else RedisNameplate(settings.redis.url),
        meter=endpoint.meter if endpoint is not None else NoMeter(),
    )
    if endpoint is not None:
        database.when_runs_end(RunCounter(tools).count)
        endpoint.start(Lookout(tools, _files_of(database)).look)
    try:
        await refuse_another_machine(tools)
        if role is not None:
            _warn_of_missing_keys(tools.providers)
        yield Process(tools, nudged)
    finally:
        if endpoint is not None:
            await endpoint.close()
        for provider in tools.providers:
            await provider.model.close()
            await provider.gate.close()
        await tools.doorbell.close()
        await tools.couriers.close()
        await tools.limiter.close()
        if tools.nameplate is not None:
            await tools.nameplate.close()
        await tools.database.close()


@asynccontextmanager
async def local_engine(process: Process) -> AsyncIterator[Pulse]:
    """Do the work of local runs in this process, and the tick with it. Start no such run before: workers would take it
    for one that has lost its process."""
    engine = LocalEngine(process.tools, process.nudged)
    pulse = Pulse(process.tools, worker=None)
    await pulse.stand_for_local_engines()
    engine.start()
    pulse.start()
    try:
        yield pulse
    finally:
        await engine.stop()
        await pulse.stop()


async def open_endpoint(settings: Settings, database: Database, role: str | None) -> Endpoint | None:
    """Count for this process and serve the metrics of its host; None where nobody is to, or nothing can be written."""
    if settings.metrics.port == 0 or role is None:
        return None
    from pipeline.adapters.metrics.endpoint import Endpoint

    async with database.write() as session:
        folder = metrics_folder() / await installation.name(session)
    try:
        return Endpoint(folder, role, settings.metrics.host, settings.metrics.port)
    except OSError as error:
        log.warning("This process counts nothing for the metrics: %s cannot be used (%s).", folder, error.strerror)
        return None


def _warn_of_missing_keys(providers: tuple[Provider, ...]) -> None:
    for provider in providers:
        if provider.missing_key:
            log.warning("There is no key for the model %s: set %s.", provider.model.name, provider.missing_key)


def _files_of(database: Database) -> Path:
    """Where this installation's disk may become full."""
    return Path(database.url.database or "").parent if database.is_sqlite else HOME


def make_providers(settings: Settings) -> tuple[Provider, ...]:
    """The model's provider and, where the settings have one, its fallback."""
    main, second = settings.llm, settings.llm.fallback
    found = [_provider(settings, main)]
    if second is not None:
        found.append(_provider(settings, second, is_fallback=True))
    return tuple(found)


def _provider(settings: Settings, llm: ProviderSettings, *, is_fallback: bool = False) -> Provider:
    name = provider_name(llm)
    return Provider(name, make_model(llm), make_gate(settings, name, llm), llm, is_fallback)


def provider_name(llm: ProviderSettings) -> str:
    """What tells this provider, key and model from all others, without saying the key."""
    if llm.chosen_provider == "offline":
        return "offline"
    key = llm.api_key.get_secret_value() if llm.api_key else ""
    return hashlib.blake2b("\n".join((llm.base_url, llm.model, key)).encode(), digest_size=12).hexdigest()


def make_gate(settings: Settings, name: str, llm: ProviderSettings) -> ModelGate:
    """Shared through Redis, as long as it answers; the offline model's limit is the machine it runs on."""
    limits = Limits(llm.requests_per_minute, llm.tokens_per_minute, llm.max_concurrency)
    own = LocalModelGate(limits)
    if settings.engine.mode == "local" or llm.chosen_provider == "offline":
        return own
    return ModelGateWithFallback(RedisModelGate(settings.redis.url, name, limits), own)


def make_model(llm: ProviderSettings) -> Model:
    """The model provider that the settings name. Only its own libraries are imported, when it is first used."""
    if llm.chosen_provider == "offline":
        from pipeline.adapters.offline_model import OfflineModel

        return OfflineModel()
    from pipeline.adapters.openai_model import OpenAIModel

    return OpenAIModel(
        api_key=llm.api_key.get_secret_value() if llm.api_key else "",
        base_url=llm.base_url or None,
        model=llm.model,
        timeout_s=llm.timeout_s,
    )


def make_doorbell(settings: Settings, on_local: Callable[[], None]) -> Doorbell:
    if settings.engine.mode == "local":
        return LocalDoorbell(on_local)
    return CeleryDoorbell(settings.redis.url, on_local)


def make_limiter(settings: Settings, *, with_local_engine: bool) -> Limiter:
    """Shared through Redis; a process that works without Redis where it must also limits itself then."""
    per_second = settings.delivery.messages_per_second
    local = LocalLimiter(per_second)
    if settings.engine.mode == "local":
        return local
    shared = RedisLimiter(settings.redis.url, per_second)
    return LimiterWithFallback(shared, local) if with_local_engine else shared


def make_worker_record(name: str, owner: str, queues: tuple[str, ...], concurrency: int) -> Worker:
    """The sign of life of a worker that starts now."""
    pid = int(owner.rsplit(":", 2)[1])
    now = utc_now()
    return Worker(name, host_of(owner), pid, queues, concurrency, now, now, workers.machine_of(owner))


def utc_now() -> datetime:
    return datetime.now(UTC)
