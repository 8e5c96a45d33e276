"""A newsroom on one loop: the real bot against a Telegram server of its own, with people who talk to it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aiogram import Bot

from pipeline.adapters.courier import BotCourier
from pipeline.local_engine import LocalEngine
from pipeline.toolbox import Toolbox
from storage import cards, posts, public_bots, runs, sources, workers
from storage.database import Database
from storage.records import ENDED, IncomingPost, PublicBotSpec, Run, RunProgress, Worker
from telegram_bot.app import make_bot, make_dispatcher
from telegram_bot.errands import Errands
from telegram_bot.herald import Herald
from telegram_bot.polling import Poller
from telegram_bot.progress import Board
from telegram_bot.strangers import Strangers
from tests.fakes import FakeCouriers, FakeModel
from tests.servers.telegram_people import Group, Person
from tests.servers.telegram_records import Message, Press
from tests.servers.telegram_server import TelegramServer
from tests.support import FakeDoorbell, do_all_work, make_posts, make_settings, make_spec, make_tools

TOKEN = "4242424242:AAE-secret-part-of-the-token-012345678"
BOT_ID = 4242424242
ANNA, BORIS, STRANGER = 7, 8, 99
ALL_QUEUES = ("categorize", "summarize", "deliver", "housekeeping")


def utc_now() -> datetime:
    return datetime.now(UTC)


def fresh_posts(number: int, *, start: int = 1, text: str = "") -> list[IncomingPost]:
    """Posts of the last hours before now; `text` is added to each."""
    return [
        replace(post, published_at=utc_now() - timedelta(minutes=place + 1), text=post.text + text)
        for place, post in enumerate(make_posts(number, start=start))
    ]


class Desk:
    """One bot process at a time on one database. `start` and `stop` or `kill` it as often as a test likes."""

    def __init__(
        self,
        telegram: TelegramServer,
        database: Database,
        model: FakeModel | None = None,
        *,
        doorbell: FakeDoorbell | None = None,
        operator_ids: Sequence[int] = (ANNA, BORIS),
        has_local_engine: bool = False,
        couriers: FakeCouriers | None = None,
        account: Mapping[str, object] | None = None,
        **tables: Mapping[str, object],
    ) -> None:
        self.telegram = telegram
        self.database = database
        self.doorbell = doorbell or FakeDoorbell()
        self.model = model or FakeModel()
        own = {"admin_token": TOKEN, "operator_ids": list(operator_ids), "api_url": telegram.url}
        self.settings = make_settings(telegram={**own, **(account or {})}, **tables)
        self.tools: Toolbox = make_tools(
            database,
            self.model,
            settings=self.settings,
            doorbell=self.doorbell,
            now=utc_now,
            has_local_engine=has_local_engine,
            couriers=couriers,
        )
        telegram.register_bot(TOKEN, BOT_ID, "digest_bot")
        self.anna = telegram.user(ANNA, "Anna", "en")
        self.boris = telegram.user(BORIS, "Boris", "ru")
        self.stranger = telegram.user(STRANGER, "Somebody", "en")
        for person in (self.anna, self.boris):
            person.open_chat(TOKEN)
        self._engine: LocalEngine | None = None
        self._is_open = False

    async def start(self) -> None:
        self.bot: Bot = make_bot(self.settings)
        self.board = Board(self.tools, BotCourier(self.bot))
        self.strangers = Strangers(self.tools)
        self.errands = Errands(BotCourier(self.bot))
        self.dispatcher = make_dispatcher(self.tools, self.board, self.strangers, self.errands)
        self.poller = Poller(self.bot, self.dispatcher)
        self._showing = asyncio.create_task(self.board.run())
        self._polling = asyncio.create_task(self.poller.run())
        self._telling = asyncio.create_task(Herald(self.tools, BotCourier(self.bot)).run())
        self._is_open = True
        if self.tools.has_local_engine:
            self._engine = LocalEngine(self.tools, asyncio.Event())
            self._engine.start()

    async def stop(self) -> None:
        """Stop as SIGTERM does."""
        await self._end(self._polling, self._telling)
        await asyncio.gather(self.poller.drain(), self.errands.close())
        self.board.stop()
        await self._showing
        await self.close()

    async def kill(self) -> None:
        """Stop as kill -9 does: nothing that is in hand is finished."""
        await self._wait_for_the_database()
        parts = ("Board.", "CardKeeper.", "Poller.", "Herald.", "LocalEngine.", "Errands.")
        mine = [task for task in asyncio.all_tasks() if any(part in repr(task.get_coro()) for part in parts)]
        await self._end(*mine)
        await self._close_session()

    async def close(self) -> None:
        """End what a test has left running."""
        if not self._is_open:
            return
        self.telegram.fault = None
        await self._end(self._polling, self._telling)
        if self._engine is not None:
            await self._engine.stop()
        await self.errands.close()
        self.board.stop()
        await asyncio.gather(self._showing, return_exceptions=True)
        await self._close_session()

    async def _close_session(self) -> None:
        """aiogram's own way of closing takes a quarter of a second."""
        await (await self.bot.session.create_session()).close()  # type: ignore[attr-defined]
        self._is_open = False

    async def _end(self, *tasks: asyncio.Task[None]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait_for_the_database(self) -> None:
        """Until no statement is under way: a process dies with its connections, a coroutine leaves them behind."""
        engines = (self.database._reader, self.database._writer)
        while any(engine.pool.checkedout() for engine in engines):  # type: ignore[attr-defined]
            await asyncio.sleep(0)

    async def open(self, incoming: Sequence[IncomingPost], *specs: PublicBotSpec) -> None:
        """Public bots and the posts of their sources."""
        for spec in specs or (make_spec(),):
            async with self.database.write() as session:
                source = await sources.ensure_file_source(session, spec.sources[0], title="The Wire", now=utc_now())
                await posts.store(session, source.id, incoming, utc_now())
                await public_bots.apply(session, spec, None, utc_now())

    async def ask(self, person: Person, text: str, chat: Group | None = None) -> Message:
        """Send a message; the bot's next new message in that chat."""
        place = chat.id if chat else person.id
        known = len(self.sent_to(place))
        await person.send(TOKEN, text, chat)
        return await self.arrival(place, known)

    async def arrival(self, chat_id: int, number: int) -> Message:
        """What the bot sent to a chat as its `number`-th message, from 0, as soon as it did."""
        await self.telegram.wait_for(lambda: len(self.sent_to(chat_id)) > number)
        return self.sent_to(chat_id)[number]

    async def press(self, person: Person, message: Message, button: str, version: int = -1) -> str:
        """Press a button and wait for what the bot says to that."""
        press: Press = await person.press(message, button, version)
        answer = await self.telegram.wait_for(lambda: press.answer)
        assert answer is not None
        return str(answer.get("text", ""))

    def sent_to(self, chat_id: int) -> list[Message]:
        """Everything ever sent to a chat, deleted messages too."""
        return [message for message in self.telegram.sent if message.chat.id == chat_id]

    def cards(self, chat_id: int) -> list[Message]:
        """The cards ever sent to a chat."""
        return [message for message in self.sent_to(chat_id) if "fake-1" in message.history[0].text]

    def digests(self, chat_id: int) -> list[Message]:
        """The messages of digests that were sent to a chat."""
        return [message for message in self.sent_to(chat_id) if message.links]

    async def card(self, chat_id: int, *words: str) -> Message:
        """The newest card in a chat, as soon as it says all these words."""

        def found() -> Message | None:
            newest = next(reversed(self.cards(chat_id)), None)
            return newest if newest and all(word in newest.text for word in words) else None

        card = await self.telegram.wait_for(found)
        assert card is not None
        return card

    async def digest(self, chat_id: int, parts: int = 1) -> list[Message]:
        """The digest's messages in a chat, as soon as there are so many."""
        return await self.telegram.wait_for(
            lambda: self.digests(chat_id) if len(self.digests(chat_id)) >= parts else []
        )

    async def settle(self, *run_ids: int) -> None:
        """Wait until the ends of these runs (default: of all) were announced and nothing is being sent."""

        async def open_cards() -> int:
            async with self.database.read() as session:
                found = await cards.unannounced(session)
            return len([card for card in found if not run_ids or card.run_id in run_ids])

        await eventually(open_cards, 0)

    async def remembered(self) -> None:
        """Wait until the bot has written down every card it sent, so that a kill makes it forget none."""

        async def unknown() -> int:
            async with self.database.read() as session:
                return sum(card.message_id is None for card in await cards.unannounced(session))

        await eventually(unknown, 0)

    async def parts_remembered(self, number: int) -> None:
        """The same for the messages of the digest: wait until so many are known to have arrived in every chat."""

        async def fewest() -> int:
            async with self.database.read() as session:
                return min(card.parts_sent for card in await cards.unannounced(session))

        await eventually(fewest, number)

    async def the_run(self) -> Run:
        """The only run there is."""
        (run,) = await self.runs()
        return run

    async def runs(self) -> Sequence[Run]:
        async with self.database.read() as session:
            return [*await runs.going_on(session), *await runs.recent(session, ENDED, 10)]

    async def work(self) -> RunProgress:
        """Be the worker of the newest run until nothing is due."""
        newest = max(run.id for run in await self.runs())
        return await do_all_work(self.tools, newest)

    async def beat(self, **changes: object) -> None:
        """A worker of all queues gives a sign of life."""
        worker = Worker("worker@here", socket.gethostname(), os.getpid(), ALL_QUEUES, 4, utc_now(), utc_now())
        async with self.database.write() as session:
            await workers.beat(session, replace(worker, **changes))  # type: ignore[arg-type]

    async def leave(self) -> None:
        """The worker stops."""
        async with self.database.write() as session:
            await workers.leave(session, "worker@here")


async def eventually(ask: Callable[[], Awaitable[int]], expected: int) -> None:
    """Ask the database or the log again and again until they say so, for half a minute at most."""
    async with asyncio.timeout(30):
        while await ask() != expected:
            await asyncio.sleep(0.01)
