"""The one place where things are put together: settings in, a toolbox out."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from pipeline.adapters.couriers import PublicCouriers
from pipeline.adapters.doorbell import CeleryDoorbell, LocalDoorbell
from pipeline.adapters.limiter import LimiterWithFallback, LocalLimiter, RedisLimiter
from pipeline.adapters.local_model_gate import LocalModelGate
from pipeline.adapters.model_gate import ModelGateWithFallback, RedisModelGate
from pipeline.adapters.nameplate import RedisNameplate
from pipeline.adapters.token_box import open_token_box
from pipeline.local_engine import LocalEngine
from pipeline.ports import Doorbell, Limiter, Limits, Model, ModelGate
from pipeline.pulse import Pulse, host_of, owner_name
from pipeline.toolbox import Provider, Toolbox
from settings import HOME, ProviderSettings, Settings
from storage.database import Database, database_url
from storage.records import Worker
from storage.schema import migrate


@dataclass
class Process:
    """The tools of this process, and the event that wakes its local engine."""

    tools: Toolbox
    nudged: asyncio.Event


@asynccontextmanager
async def open_process(settings: Settings, *, with_local_engine: bool = False) -> AsyncIterator[Process]:
    """Migrate the database and lay out the tools; everything is closed in the end.

    Raises:
        BadDatabaseUrl, SchemaTooNew, DatabaseUnreachable: see storage.
    """
    url = database_url(settings.database.url, HOME)
    await migrate(url)
    nudged = asyncio.Event()
    tools = Toolbox(
        settings=settings,
        database=Database(url),
        providers=make_providers(settings),
        doorbell=make_doorbell(settings, nudged.set),
        couriers=PublicCouriers(settings.telegram.api_url, lambda: open_token_box(settings.security, make_key=False)),
        limiter=make_limiter(settings, with_local_engine=with_local_engine),
        now=utc_now,
        owner=owner_name(),
        has_local_engine=with_local_engine,
        nameplate=None if settings.engine.mode == "local" else RedisNameplate(settings.redis.url),
    )
    try:
        yield Process(tools, nudged)
    finally:
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
async def local_engine(process: Process) -> AsyncIterator[None]:
    """Do the work of local runs in this process, and the tick with it."""
    engine = LocalEngine(process.tools, process.nudged)
    pulse = Pulse(process.tools, worker=None)
    engine.start()
    pulse.start()
    try:
        yield
    finally:
        await engine.stop()
        await pulse.stop()


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
    return Worker(name, host_of(owner), pid, queues, concurrency, started_at=utc_now(), seen_at=utc_now())


def utc_now() -> datetime:
    return datetime.now(UTC)
