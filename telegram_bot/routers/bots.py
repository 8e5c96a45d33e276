"""/bots: the list, the details of one, and its pause, all in one message."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from pipeline.services.overseeing import load_bot, load_bots, pause_bot, resume_bot
from pipeline.toolbox import Toolbox
from storage.records import Actor
from telegram_bot.callbacks import PauseBot, ShowBot, ShowBots
from telegram_bot.editing import show
from telegram_bot.views import answers
from telegram_bot.views.bot_details import render_bot
from telegram_bot.views.bots import render_bots
from texts import Texts


def make_router() -> Router:
    router = Router(name="bots")
    router.message.register(bots, Command("bots"))
    router.callback_query.register(show_list, ShowBots.filter())
    router.callback_query.register(show_details, ShowBot.filter())
    router.callback_query.register(pause, PauseBot.filter())
    return router


async def bots(message: Message, tools: Toolbox, texts: Texts) -> None:
    await message.answer(**render_bots(await load_bots(tools), 0, texts=texts, now=tools.now()).as_kwargs())


async def show_list(query: CallbackQuery, callback_data: ShowBots, tools: Toolbox, texts: Texts) -> None:
    await show(query, render_bots(await load_bots(tools), callback_data.page, texts=texts, now=tools.now()))


async def show_details(query: CallbackQuery, callback_data: ShowBot, tools: Toolbox, texts: Texts) -> None:
    await _show(query, callback_data.bot_id, callback_data.page, tools, texts)


async def pause(query: CallbackQuery, callback_data: PauseBot, tools: Toolbox, texts: Texts, actor: Actor) -> None:
    set_paused = pause_bot if callback_data.pause else resume_bot
    is_first = await set_paused(tools, callback_data.bot_id, actor)
    answer = answers.bot_paused(is_first, texts) if callback_data.pause else answers.bot_resumed(is_first, texts)
    await _show(query, callback_data.bot_id, callback_data.page, tools, texts, answer)


async def _show(
    query: CallbackQuery, bot_id: int, page: int, tools: Toolbox, texts: Texts, answer: str | None = None
) -> None:
    details = await load_bot(tools, bot_id)
    if details is None:
        await query.answer(answers.outdated_button(texts))
    else:
        await show(query, render_bot(details, page, texts=texts, now=tools.now()), answer)
