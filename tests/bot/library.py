"""Public bots with people who read them, on a Telegram server of their own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pipeline.adapters.telegram_session import TelegramSession
from pipeline.adapters.token_box import TokenBox
from pipeline.toolbox import Toolbox
from storage import digests, operators, public_bots, runs, subscribers
from storage.records import (
    Category,
    Digest,
    DigestItem,
    DigestSection,
    Engine,
    Fault,
    NewRun,
    Period,
    PublicBot,
    PublicBotSpec,
    RunState,
    Subscriber,
)
from telegram_bot.bot_pool import BotPool
from telegram_bot.public_bot_server import PublicBotServer
from telegram_bot.readers import make_readers_dispatcher
from tests.bot.desk import BOT_ID, TOKEN, eventually, utc_now
from tests.servers.telegram_people import Group, Person
from tests.servers.telegram_records import Message, Press
from tests.servers.telegram_server import TelegramServer
from tests.support import make_spec

SECRET = TOKEN.partition(":")[2]  # of every token here, so that one look at the log finds them all
CATEGORIES = (Category("Transport", ("trams",)), Category("Parks", ("trees",)))


class QuickServer(PublicBotServer):
    """aiogram's own way of closing takes a quarter of a second."""

    async def close(self) -> None:
        await (await self._session.create_session()).close()


class Library:
    """One pool at a time on one database. `key` is what tokens are encrypted with and opened."""

    def __init__(self, telegram: TelegramServer, tools: Toolbox) -> None:
        self.telegram = telegram
        self.tools = tools
        self.database = tools.database
        self.key = "the right key"
        self._ids: dict[str, int] = {}
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        session = TelegramSession(self.tools.settings.telegram.api_url, limit=0)
        server = QuickServer(self.tools, session, make_readers_dispatcher(self.tools), self._decrypt, BOT_ID)
        self.pool = BotPool(self.tools, server)
        self._serving = asyncio.create_task(self.pool.run())

    async def stop(self) -> None:
        """Stop as SIGTERM does."""
        self.pool.stop()
        assert self._serving is not None
        await self._serving
        self._serving = None

    async def close(self) -> None:
        """End what a test has left running."""
        self.telegram.fault = None
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)

    def _decrypt(self, token: str) -> str:
        return TokenBox(self.key).decrypt(token)

    async def open(self, *slugs: str, **changes: object) -> None:
        """Public bots that Telegram knows, each with its token."""
        for slug in slugs or ("city",):
            self.telegram.register_bot(self.token(slug), self.telegram_id(slug), f"{slug}_bot")
            await self.apply(make_spec(slug, categories=CATEGORIES, **changes), self.token(slug))

    async def apply(self, spec: PublicBotSpec, token: str | None, *, key: str = "the right key") -> None:
        """As `bots apply` does."""
        encrypted = TokenBox(key).encrypt(token) if token else None
        spec = replace(spec, token_env="SOME_TOKEN")
        owner = token.partition(":")[0] if token else ""
        async with self.database.write() as session:
            telegram_id = int(owner) if owner.isdecimal() else None
            await public_bots.apply(session, spec, encrypted, utc_now(), telegram_id)

    def telegram_id(self, slug: str) -> int:
        return self._ids.setdefault(slug, 6_000_000_000 + len(self._ids))

    def token(self, slug: str) -> str:
        return f"{self.telegram_id(slug)}:{SECRET}"

    async def bot(self, slug: str = "city") -> PublicBot:
        async with self.database.read() as session:
            bot = await public_bots.by_slug(session, slug)
        assert bot is not None
        return bot

    async def served(self, *slugs: str) -> None:
        """Wait until these bots wait for updates."""
        ids = {self.telegram_id(slug) for slug in slugs or ("city",)}
        await self.telegram.wait_for(lambda: ids <= {call.bot_id for call in self.telegram.calls_of("getUpdates")})

    async def has_fault(self, slug: str, message_id: str | None) -> None:
        """Wait until this is what is known of a bot's token."""

        async def is_so() -> int:
            return (await self.bot(slug)).token_fault == message_id

        await eventually(is_so, True)

    async def reported(self) -> list[Fault]:
        """What operators are to be told, oldest first."""
        async with self.database.read() as session:
            return [*await operators.untold(session)]

    async def ask(self, person: Person, text: str, slug: str = "city") -> Message:
        """Send a message; the bot's next new message to that person."""
        known = len(self.sent_to(person, slug))
        await person.send(self.token(slug), text)
        await self.telegram.wait_for(lambda: len(self.sent_to(person, slug)) > known)
        return self.sent_to(person, slug)[known]

    async def tell(self, person: Person, text: str, slug: str = "city", chat: Group | None = None) -> list[Message]:
        """Send a message; everything that came back when the bot was done with it."""
        known = len(self.sent_to(person, slug))
        await person.send(self.token(slug), text, chat)
        await self.is_done(slug)
        return self.sent_to(person, slug)[known:]

    async def press(self, person: Person, message: Message, button: str, version: int = -1) -> str:
        """Press a button; what the bot said to that when it was done with it."""
        press: Press = await person.press(message, button, version)
        assert message.bot_id is not None
        bot = self.telegram.bot(message.bot_id)
        await self.telegram.wait_for(lambda: press.answer and not bot.updates)
        return str((press.answer or {}).get("text", ""))

    async def is_done(self, slug: str = "city") -> None:
        """Wait until a bot has confirmed everything it was told."""
        bot = self.telegram.bot(self.telegram_id(slug))
        await self.telegram.wait_for(lambda: not bot.updates)

    def sent_to(self, person: Person, slug: str = "city") -> list[Message]:
        bot_id = self.telegram_id(slug)
        return [one for one in self.telegram.sent if one.chat.id == person.id and one.bot_id == bot_id]

    async def subscriber(self, chat_id: int, slug: str = "city") -> Subscriber | None:
        bot = await self.bot(slug)
        async with self.database.read() as session:
            return await subscribers.by_chat(session, bot.id, chat_id)

    async def publish(
        self, *items: tuple[str, str], state: RunState = RunState.DONE, slug: str = "city", **changes: Any
    ) -> Digest:
        """A digest of these (category, text), as if it had just been delivered."""
        bot, now = await self.bot(slug), utc_now()
        period = Period(now - timedelta(days=1), now)
        names = dict.fromkeys(category for category, _ in items)
        sections = tuple(
            DigestSection(name, tuple(_item(number, text) for number, (at, text) in enumerate(items) if at == name))
            for name in names
        )
        async with self.database.write() as session:
            new = NewRun(bot.id, period, 5, Engine.LOCAL, "fake", "fake-1", "test")
            run, is_new = await runs.create(session, replace(new, **changes), now)
            assert is_new
            digest = Digest(run.id, slug, bot.title, bot.spec.language, "UTC", period, sections)
            await digests.save(session, digest, bot.id, now)
            ended = {"finished_at": now} if state.has_ended else {}
            await runs.transition(session, run.id, {run.state}, state, now, **ended)
        return digest


def _item(number: int, text: str) -> DigestItem:
    return DigestItem(number, text[:60], text, f"https://example.org/{number}", "The Wire")
