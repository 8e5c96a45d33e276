"""The place of a soak: a whole installation as real processes, and servers that play the model, Telegram and Redis."""

from __future__ import annotations

import asyncio
import random
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.soak.moods import ModelMood, TelegramMood
from pipeline.adapters.token_box import TokenBox
from settings import HOME
from storage import public_bots, sources, subscribers
from storage.database import Database, database_url
from storage.records import PublicBotSpec
from storage.schema import migrate
from tests.delivery.audience import SECRET, Audience, make_audiences, seat
from tests.faults.ledger import Ledger
from tests.processes import Installation
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer
from tests.servers.telegram_limits import Limits
from tests.servers.telegram_people import Channel, Person
from tests.servers.telegram_records import Membership
from tests.servers.telegram_server import TelegramServer
from tests.support import make_spec

ADMIN_TOKEN = "4242:AAS-token-of-the-admin-bot-of-a-soak-0123456"
ADMIN_BOT, OPERATOR = 4242, 7
KEY = "sk-key-of-a-soak-0123456789"
READERS = (300, 100, 40)
LONGEST_DIGESTS = (8, 12, 45)  # the last one's are of several parts
SCHEDULES = ("*/4 * * * *", None, None)
WORKERS = ("one", "two")
MODEL_LATENCY_S = 1.5
STOPS_WITHIN_S = 60.0


@dataclass
class Site:
    """Everything that runs, with the doors to it. `mood` and `telegram_mood` say how the outside behaves."""

    installation: Installation
    redis: RedisServer
    telegram: TelegramServer
    model: ModelServer
    ledger: Ledger
    audiences: Sequence[Audience]
    specs: Sequence[PublicBotSpec]
    channels: Sequence[Channel]
    anna: Person
    mood: ModelMood
    telegram_mood: TelegramMood
    scripts: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def database_setting(self) -> str:
        return self.installation.environment["DIGEST_DATABASE__URL"]

    @property
    def is_sqlite(self) -> bool:
        return self.database_setting.startswith("sqlite")

    def start(self, name: str) -> None:
        """Start the bot, or a worker, by its script."""
        started = self.installation.start_bot() if name == "bot" else self.installation.start_worker(name)
        self.scripts[name] = started

    def python_of(self, name: str) -> psutil.Process:
        """The bot's or a worker's process, not what its script runs before it.

        Raises:
            psutil.NoSuchProcess: there is none at the moment.
        """
        try:
            process = self.installation.python_of(name)
        except StopIteration:
            raise psutil.NoSuchProcess(0, name) from None
        if not {"worker", "telegram_bot"} & set(process.cmdline()):
            raise psutil.NoSuchProcess(process.pid, name)
        return process

    async def stop(self, name: str) -> int | None:
        """SIGTERM to a script, as a person or systemd does; its exit code, None: it had to be killed."""
        script = self.scripts[name]
        try:
            return await asyncio.to_thread(self.installation.terminate, name, STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            script.kill()
            return None

    async def end_schedules(self) -> None:
        """From now on runs begin on an operator's word alone."""
        database = Database(database_url(self.database_setting, HOME))
        async with database.write() as session:
            for spec in self.specs:
                await public_bots.apply(session, replace(spec, schedule=None), None, datetime.now(UTC))
        await database.close()


@asynccontextmanager
async def open_site(folder: Path, database_setting: str | None, seed: int) -> AsyncIterator[Site]:
    """An installation with public bots, readers and channels; nothing is started yet but the servers."""
    chance = random.Random(seed)
    mood, telegram_mood = ModelMood(chance), TelegramMood(chance)
    async with AsyncExitStack() as stack:
        redis = RedisServer(folder / "redis")
        await asyncio.to_thread(redis.start)
        stack.callback(redis.stop)
        telegram = await stack.enter_async_context(TelegramServer(Limits(30, 1.0, 20)))
        model = await stack.enter_async_context(ModelServer(MODEL_LATENCY_S))
        telegram.fault, model.behaviour = telegram_mood, mood
        variables = _variables(redis, telegram, model)
        if database_setting is not None:
            variables["DIGEST_DATABASE__URL"] = database_setting
        installation = Installation(folder, **variables)
        stack.push_async_callback(asyncio.to_thread, installation.stop_all)
        setting = installation.environment["DIGEST_DATABASE__URL"]
        sized = zip(make_audiences(READERS, long_one=False), LONGEST_DIGESTS, strict=True)
        audiences = [replace(audience, posts=longest) for audience, longest in sized]
        specs = [_spec(audience, schedule) for audience, schedule in zip(audiences, SCHEDULES, strict=True)]
        await _store(setting, audiences, specs)
        telegram.register_bot(ADMIN_TOKEN, ADMIN_BOT, "digest_desk_bot")
        seat(telegram, audiences)
        anna = telegram.user(OPERATOR, "Anna")
        channels = [_channel(telegram, number, audience.slug) for number, audience in enumerate(audiences)]
        ledger = Ledger(setting, model, telegram, redis.url)
        stack.callback(ledger.close)
        yield Site(installation, redis, telegram, model, ledger, audiences, specs, channels, anna, mood, telegram_mood)


def _variables(redis: RedisServer, telegram: TelegramServer, model: ModelServer) -> dict[str, str]:
    return {
        "DIGEST_REDIS__URL": redis.url,
        "DIGEST_LLM__BASE_URL": model.base_url,
        "DIGEST_LLM__API_KEY": KEY,
        "DIGEST_LLM__TIMEOUT_S": "10",
        "DIGEST_LLM__MAX_CONCURRENCY": "8",
        "DIGEST_TELEGRAM__API_URL": telegram.url,
        "DIGEST_TELEGRAM__ADMIN_TOKEN": ADMIN_TOKEN,
        "DIGEST_TELEGRAM__OPERATOR_IDS": str(OPERATOR),
        "DIGEST_SECURITY__SECRET_KEY": SECRET,
    }


def _spec(audience: Audience, schedule: str | None) -> PublicBotSpec:
    return make_spec(
        audience.slug,
        title=f"News of {audience.slug}",
        sources=(audience.slug,),
        token_env="TOKEN",
        max_posts_per_digest=audience.posts,
        schedule=schedule,
    )


def _channel_id(number: int) -> int:
    return -1_001_700_000_001 - number


def _channel(telegram: TelegramServer, number: int, title: str) -> Channel:
    """A channel whose administrator the admin bot has long been."""
    channel = telegram.channel(_channel_id(number), title)
    channel.chat.members[ADMIN_BOT] = Membership("administrator")
    return channel


async def _store(setting: str, audiences: Sequence[Audience], specs: Sequence[PublicBotSpec]) -> None:
    url, now = database_url(setting, HOME), datetime.now(UTC)
    await migrate(url)
    database, box = Database(url), TokenBox(SECRET)
    for number, (audience, spec) in enumerate(zip(audiences, specs, strict=True)):
        async with database.write() as session:
            channel = {"chat_id": _channel_id(number), "name": audience.slug, "title": audience.slug}
            await sources.add_channel(session, **channel, username=None, added_by=OPERATOR, now=now)  # type: ignore[arg-type]
            await public_bots.apply(session, spec, box.encrypt(audience.token), now)
            bot = await public_bots.by_slug(session, audience.slug)
            assert bot is not None
            for chat_id in audience.readers:
                await subscribers.subscribe(session, bot.id, chat_id, "en", now)
    await database.close()
