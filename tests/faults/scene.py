"""Where faults happen: an installation with real workers and everything around it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.adapters.token_box import TokenBox
from pipeline.fault_points import VARIABLE
from pipeline.services.overview import load_overview
from pipeline.services.starting import Order, ring_for, start_run
from pipeline.wiring import open_process
from settings import HOME, Settings
from storage import public_bots, subscribers
from storage.database import Database, database_url
from storage.records import ChatKind, IncomingPost
from storage.schema import migrate
from tests.faults.ledger import Ledger, wait_for
from tests.processes import Installation
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer
from tests.servers.telegram_server import TelegramServer
from tests.support import NOON, make_posts, make_settings, make_spec, open_desk

SECRET = "the secret key of a test of faults"
PERIOD = "2026-11-02..2026-11-03"
FIRST_READER = 5000


@dataclass
class Scene:
    """An installation, the servers around it, and its accounts."""

    installation: Installation
    redis: RedisServer
    model: ModelServer
    telegram: TelegramServer
    ledger: Ledger
    _posts: int = 0
    _bots: int = 0
    _workers: dict[str, tuple[subprocess.Popen[bytes], tuple[str, ...]]] = field(default_factory=dict)

    @property
    def database_setting(self) -> str:
        return self.installation.environment["DIGEST_DATABASE__URL"]

    def open_bot(
        self,
        posts: int | Sequence[IncomingPost] = 10,
        readers: int = 0,
        **spec: object,
    ) -> str:
        """A public bot with so many posts, texts of its own, and so many readers who have started it; its slug."""
        self._bots += 1
        slug = f"city-{self._bots}"
        if isinstance(posts, int):
            first, self._posts = self._posts + 1, self._posts + posts
            posts = make_posts(posts, start=first)
        token = f"{700 + self._bots}:AAF-token-number-{self._bots}-of-a-test-of-faults-01" if readers else None
        chats = range(FIRST_READER * self._bots, FIRST_READER * self._bots + readers)
        if token:
            bot = self.telegram.register_bot(token, 700 + self._bots, f"city_{self._bots}_bot")
            for chat_id in chats:
                self.telegram.user(chat_id).open_chat(bot.id)
        asyncio.run(self._store(slug, posts, token, chats, spec))
        return slug

    def start_run(self, slug: str, *, deliver: bool = True) -> int:
        """What `python -m pipeline digest` does: the run goes on in the workers; its id."""
        return asyncio.run(self._start_run(slug, deliver))

    def status(self) -> dict[str, Any]:
        """What `python -m pipeline status --json` says."""
        said: dict[str, Any] = json.loads(self.installation.pipeline("status", "--json").stdout)
        return said

    def order_faults(self, *faults: dict[str, object]) -> Path:
        """Arm every worker that is started from now on (see pipeline.fault_points); where each leaves its marker."""
        markers = self.installation.folder / "markers"
        markers.mkdir(exist_ok=True)
        wanted = {"markers": str(markers), "faults": faults}
        self.installation.environment[VARIABLE] = json.dumps(wanted)
        return markers

    def start_bare_worker(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """A worker without the script that starts it again."""
        process = self.installation.start(name, sys.executable, "-m", "pipeline", "worker", "--name", name, *arguments)
        self._workers[name] = process, arguments
        return process

    def wait_for_calls(self, number: int) -> None:
        """Until so many model calls more were made, or all runs have ended."""
        calls = len(self.model.calls) + number
        wait_for(
            lambda: len(self.model.calls) >= calls or all(run.has_ended for run in self.ledger.look()),
            f"{number} model calls",
        )

    def wait_for_a_death(self) -> None:
        """Until a bare worker has been killed; it is started again."""
        wait_for(lambda: self.revive() > 0, "the death of a worker")

    def kill(self, name: str) -> None:
        """kill -9 of a bare worker."""
        self._workers[name][0].kill()

    def revive(self) -> int:
        """Start every bare worker again that was killed; how many."""
        killed = [(name, *one) for name, one in self._workers.items() if one[0].poll() is not None]
        for name, process, arguments in killed:
            assert process.returncode == -signal.SIGKILL, self.installation.log(name)[-2000:]
            self.start_bare_worker(name, *arguments)
        return len(killed)

    def check(self, posts: int | None = None) -> None:
        """The accounts, and that what is in doubt is told to whoever asks."""
        self.ledger.check(posts)
        told = asyncio.run(self._told_as_uncertain())
        in_doubt = {(slug, chat_id) for slug, chat_id, _, state in self.ledger.deliveries() if state == "unknown"}
        assert told == len(in_doubt), f"{told} are told of {in_doubt}"

    async def _start_run(self, slug: str, deliver: bool) -> int:
        async with open_process(self._settings()) as process:
            started = await start_run(process.tools, Order(slug, PERIOD, None, deliver=deliver))
            await ring_for(process.tools, started.run)
        return started.run.id

    async def _told_as_uncertain(self) -> int:
        async with open_process(self._settings()) as process:
            overview = await load_overview(process.tools)
        found = [*overview.active, *overview.recent]
        return sum(progress.delivery.uncertain for progress in found if progress.delivery)

    def _settings(self) -> Settings:
        return make_settings(
            database={"url": self.database_setting},
            redis={"url": self.redis.url},
            llm={"base_url": self.model.base_url},
        )

    async def _store(
        self,
        slug: str,
        posts: Sequence[IncomingPost],
        token: str | None,
        readers: Sequence[int],
        changes: dict[str, object],
    ) -> None:
        url = database_url(self.database_setting, HOME)
        await migrate(url)
        database = Database(url)
        spec = make_spec(slug, sources=(slug,), token_env="TOKEN" if token else None, **changes)
        await open_desk(database, posts, spec)
        async with database.write() as session:
            if token:
                await public_bots.apply(session, spec, TokenBox(SECRET).encrypt(token), NOON)
            bot = await public_bots.by_slug(session, slug)
            assert bot is not None
            for chat_id in readers:
                await subscribers.subscribe(session, bot.id, chat_id, "en", NOON, kind=ChatKind.PRIVATE)
        await database.close()
