"""A check-up put together: for the command line, which opens what it looks at, and for a process that is at work."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL

from pipeline.adapters.broker_probe import RedisProbe
from pipeline.adapters.http_probe import PlainHttpProbe
from pipeline.adapters.token_box import open_token_box
from pipeline.checks.seen import Room
from pipeline.instruments import Instruments
from pipeline.services.checkup import examine
from pipeline.services.examining import Examination
from pipeline.toolbox import Provider, Toolbox
from pipeline.wiring import make_providers, utc_now
from settings import HOME, BadSettings, Settings, holds_secrets, read_env
from storage.database import BadDatabaseUrl, Database, database_url
from storage.looking import to_look_at

VAR = HOME / "var"
IN_A_CHAT_S = 8.0

Measure = Callable[[Path], Room]


def measure(folder: Path) -> Room:
    usage = shutil.disk_usage(folder)
    return Room(str(folder), usage.free, usage.total)


@asynccontextmanager
async def examination(
    settings: Settings,
    wrong_settings: Sequence[str] = (),
    unknown: Collection[str] = (),
    *,
    now: Callable[[], datetime] = utc_now,
    room: Measure = measure,
    env_file: Path = HOME / ".env",
) -> AsyncIterator[Examination]:
    """Check an installation from outside: nothing is made or written there. `wrong_settings` are whole sentences.
    The database and Redis are not looked at where their table is `unknown`."""
    wrong, url = [*wrong_settings], None
    try:
        url = None if "database" in unknown else database_url(settings.database.url, HOME)
    except BadDatabaseUrl as error:
        wrong.append(str(error))
    database = to_look_at(url) if url is not None else None
    broker = _broker_of(settings) if "redis" not in unknown else None
    providers = make_providers(settings)
    try:
        async with _examined(settings, url, database, broker, providers, now, room, env_file, wrong, 60.0) as begun:
            yield begun
    finally:
        for provider in providers:
            await provider.model.close()
            await provider.gate.close()
        if database is not None:
            await database.close()


@asynccontextmanager
async def examination_of(tools: Toolbox) -> AsyncIterator[Examination]:
    """Check an installation as this process of it sees it, quickly."""
    settings, database, env_file = tools.settings, tools.database, HOME / ".env"
    broker = _broker_of(settings)
    async with _examined(
        settings, database.url, database, broker, tools.providers, tools.now, measure, env_file, (), IN_A_CHAT_S
    ) as begun:
        yield begun


@asynccontextmanager
async def _examined(
    settings: Settings,
    url: URL | None,
    database: Database | None,
    broker: RedisProbe | None,
    providers: tuple[Provider, ...],
    now: Callable[[], datetime],
    room: Measure,
    env_file: Path,
    wrong_settings: Sequence[str],
    longest_s: float,
) -> AsyncIterator[Examination]:
    http = PlainHttpProbe(settings.telegram.api_url)

    def decrypt(token: str) -> str:
        return open_token_box(settings.security, make_key=False).decrypt(token)

    begun = examine(
        Instruments(
            settings=settings,
            wrong_settings=wrong_settings,
            url=url,
            database=database,
            providers=providers,
            broker=broker,
            http=http,
            decrypt=decrypt,
            room=room,
            folder=VAR,
            open_file=str(env_file) if _is_open(env_file) else "",
            now=now,
            longest_s=longest_s,
        )
    )
    try:
        yield begun
    finally:
        await begun.close()
        await http.close()
        if broker is not None:
            await broker.close()


def _is_open(env_file: Path) -> bool:
    """Whether others than its owner may read secrets in it."""
    try:
        return env_file.stat().st_mode & 0o077 != 0 and holds_secrets(read_env(env_file))
    except (OSError, BadSettings):
        return False


def _broker_of(settings: Settings) -> RedisProbe | None:
    return None if settings.engine.mode == "local" else RedisProbe(settings.redis.url)
