"""An installation in this process that nothing is wrong with, and the doctor that looks at it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.adapters.token_box import TokenBox
from pipeline.cli import main
from pipeline.pulse import owner_name
from pipeline.queues import ALL_QUEUES
from settings import HOME
from storage import public_bots, workers
from storage.database import Database, database_url
from storage.records import Worker
from tests.faults.leaks import ADMIN, API_KEY, CITY, PARKS, SECRET_KEY, leaks
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer
from tests.servers.telegram_server import TelegramServer
from tests.support import make_spec

SECRETS = (ADMIN, API_KEY, CITY, PARKS, SECRET_KEY)
TOKENS = {"city": CITY.value, "parks": PARKS.value}
ROLES = {"tick": timedelta(seconds=10), workers.BOT: workers.BOT_HOLD}


@dataclass(frozen=True)
class Report:
    """What the doctor said, and with which code it ended."""

    code: int
    lines: Sequence[str]

    def about(self, name: str) -> str:
        """What was said of a subject."""
        return "\n".join(line for line in self.lines if line[2:].startswith(f"{name}: "))

    @property
    def faults(self) -> Mapping[str, str]:
        """The faults by subject."""
        names = {line[2:].partition(":")[0] for line in self.lines if line.startswith("✗")}
        return {name: self.about(name) for name in names}


@dataclass
class Ward:
    """`variables` are the settings, `url` is where it works; every look is seen to make no file, to show no secret."""

    folder: Path
    redis: RedisServer
    model: ModelServer
    telegram: TelegramServer
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.url = database_url(f"sqlite:///{self.file}", HOME)

    async def open(self) -> None:
        """A worker of all queues, the tick, the bot and two public bots, all of them well."""
        self.variables |= {
            "DATABASE__URL": f"sqlite:///{self.file}",
            "REDIS__URL": self.redis.url,
            "TELEGRAM__ADMIN_TOKEN": ADMIN.value,
            "TELEGRAM__OPERATOR_IDS": "7",
            "TELEGRAM__API_URL": self.telegram.url,
            "LLM__BASE_URL": self.model.base_url,
            "LLM__API_KEY": API_KEY.value,
            "LLM__TIMEOUT_S": "3",
            "SECURITY__SECRET_KEY": SECRET_KEY.value,
        }
        for name, token in (("digest_desk", ADMIN.value), ("city", CITY.value), ("parks", PARKS.value)):
            self.telegram.register_bot(token, int(token.partition(":")[0]), f"{name}_bot")
        await self.work()
        async with self.write() as session:
            for slug, token in TOKENS.items():
                spec = make_spec(slug, token_env="SOME_TOKEN")
                await public_bots.apply(session, spec, TokenBox(SECRET_KEY.value).encrypt(token), utc_now())

    @property
    def file(self) -> Path:
        return self.folder / "digest.db"

    def write(self) -> AbstractAsyncContextManager[AsyncSession]:
        return written(self.url)

    async def work(self, **changes: object) -> None:
        """A worker gives a sign of life, and who has the roles keeps them."""
        now = utc_now()
        worker = Worker("worker@here", socket.gethostname(), 1, ALL_QUEUES, 4, now, now)
        async with self.write() as session:
            await workers.beat(session, replace(worker, **changes))  # type: ignore[arg-type]
            for role, hold in ROLES.items():
                await workers.take_role(session, role, owner_name(), now + timedelta(minutes=2), hold)

    async def doctor(self, *arguments: str) -> Report:
        for name, value in self.variables.items():
            self.monkeypatch.setenv(f"DIGEST_{name}", value)
        self.capsys.readouterr()
        before = sorted(self.folder.rglob("*"))
        code = await asyncio.to_thread(main, ["doctor", *arguments])
        printed = self.capsys.readouterr()
        assert sorted(self.folder.rglob("*")) == before, "it only looks"
        assert not leaks(SECRETS, {"stdout": printed.out.encode(), "stderr": printed.err.encode()})
        assert "Traceback" not in printed.err
        return Report(code, printed.out.splitlines())


@asynccontextmanager
async def written(url: URL) -> AsyncIterator[AsyncSession]:
    """A writing session on a database that is closed again afterwards."""
    database = Database(url)
    async with database.write() as session:
        yield session
    await database.close()


def utc_now() -> datetime:
    return datetime.now(UTC)
