"""A Telegram server, a newsroom, and clocks that tick faster than the real ones."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from pipeline import local_engine
from pipeline.services import self_testing
from storage.database import Database
from telegram_bot import announcing, bot_pool, card_keeper, errands, herald, offers, polling, progress
from tests.bot.desk import TOKEN, Desk, utc_now
from tests.bot.library import Library
from tests.servers.telegram_server import TelegramServer
from tests.support import make_settings, make_tools

Opener = Callable[..., Awaitable[Desk]]


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals a hundred times shorter than in life."""
    monkeypatch.setattr(progress, "LOOK_EVERY_S", 0.03)
    monkeypatch.setattr(card_keeper, "PRIVATE_INTERVAL_S", 0.02)
    monkeypatch.setattr(card_keeper, "GROUP_INTERVAL_S", 0.03)
    monkeypatch.setattr(progress, "FINISH_S", 0.5)
    monkeypatch.setattr(announcing, "PRIVATE_INTERVAL_S", 0.01)
    monkeypatch.setattr(announcing, "GROUP_INTERVAL_S", 0.03)
    monkeypatch.setattr(polling, "LONGEST_BACKOFF_S", 0.02)
    monkeypatch.setattr(local_engine, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(bot_pool, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(bot_pool, "LONGEST_BACKOFF_S", 0.05)
    monkeypatch.setattr(offers, "LOOK_EVERY_S", 0.03)
    monkeypatch.setattr(herald, "LOOK_EVERY_S", 0.03)
    monkeypatch.setattr(errands, "PRIVATE_INTERVAL_S", 0.02)
    monkeypatch.setattr(errands, "GROUP_INTERVAL_S", 0.03)
    monkeypatch.setattr(self_testing, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(herald, "BETWEEN_NEWS_S", 0.1)


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server


@pytest.fixture
async def open_desk(telegram: TelegramServer, database: Database) -> AsyncIterator[Opener]:
    """Makes and starts desks with settings of one's own."""
    async with AsyncExitStack() as stack:

        async def opener(*args: object, **tables: object) -> Desk:
            desk = Desk(telegram, database, *args, **tables)  # type: ignore[arg-type]
            await desk.start()
            stack.push_async_callback(desk.close)
            return desk

        yield opener


@pytest.fixture
async def desk(hurry: None, open_desk: Opener) -> Desk:
    """A desk with the settings as they come, and a worker that gave a sign of life."""
    desk = await open_desk()
    await desk.beat()
    return desk


@pytest.fixture
async def library(hurry: None, telegram: TelegramServer, database: Database) -> AsyncIterator[Library]:
    """A pool of public bots, none of them there yet; answers to one chat follow each other at once."""
    settings = make_settings(telegram={"api_url": telegram.url}, delivery={"per_chat_interval_s": 0})
    library = Library(telegram, make_tools(database, settings=settings, now=utc_now))
    yield library
    await library.close()


@pytest.fixture(autouse=True)
def no_token_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a test does, the bot's token stays out of the log."""
    caplog.set_level(logging.INFO)
    yield
    secret = TOKEN.partition(":")[2]
    for phase in ("setup", "call"):
        for record in caplog.get_records(phase):
            assert secret not in logging.Formatter().format(record)
