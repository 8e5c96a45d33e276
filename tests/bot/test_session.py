"""What is made for talking to Telegram is made once."""

from __future__ import annotations

import gc
import weakref
from collections.abc import AsyncIterator

import pytest
from aiogram import Bot
from aiogram.methods import Response
from aiogram.types import User

from pipeline.adapters.telegram_session import TelegramSession
from tests.bot.desk import BOT_ID, TOKEN
from tests.servers.telegram_server import TelegramServer


@pytest.fixture
async def bot(telegram: TelegramServer) -> AsyncIterator[Bot]:
    telegram.register_bot(TOKEN, BOT_ID, "digest_bot")
    async with TelegramSession(telegram.url) as session:
        yield Bot(TOKEN, session=session)


async def test_the_model_of_an_answer_is_not_made_for_each_answer(bot: Bot) -> None:
    await bot.get_me()
    model = weakref.ref(Response[User])
    gc.collect()
    assert model() is not None
    await bot.get_me()
    assert Response[User] is model()
