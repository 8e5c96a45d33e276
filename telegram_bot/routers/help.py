"""/start, /help, and everything that nobody understood."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.filters import Command, CommandStart
from aiogram.types import CallbackQuery, Message

from telegram_bot.views.answers import outdated_button
from telegram_bot.views.help import render_help, render_start
from texts import Texts


def make_router() -> Router:
    router = Router(name="help")
    router.message.register(start, CommandStart())
    router.message.register(help_, Command("help"))
    router.message.register(help_, F.chat.type == ChatType.PRIVATE, F.text)
    router.callback_query.register(outdated)
    return router


async def start(message: Message, texts: Texts) -> None:
    await message.answer(**render_start(texts).as_kwargs())


async def help_(message: Message, texts: Texts) -> None:
    await message.answer(**render_help(texts).as_kwargs())


async def outdated(query: CallbackQuery, texts: Texts) -> None:
    await query.answer(outdated_button(texts))
