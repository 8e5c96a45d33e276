"""A real aiogram bot on a Telegram server of each test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from tests.servers.telegram_people import Person
from tests.servers.telegram_server import TelegramServer

ADMIN, READERS = "42:AAA", "43:BBB"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session() -> AsyncIterator[AiohttpSession]:
    """One for a whole file: closing takes aiogram a quarter of a second."""
    async with AiohttpSession() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def telegram(session: AiohttpSession) -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        session.api = TelegramAPIServer.from_base(server.url)
        server.register_bot(ADMIN, 42, "digest_bot")
        server.register_bot(READERS, 43, "tech_bot")
        yield server


@pytest.fixture
def admin(session: AiohttpSession) -> Bot:
    return Bot(ADMIN, session=session)


@pytest.fixture
def anna(telegram: TelegramServer) -> Person:
    person = telegram.user(7, "Anna", "ru")
    person.open_chat(ADMIN)
    return person
