"""/start, /stop, /forget, /help, and everything that nobody understood."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from pipeline.services import reading
from pipeline.toolbox import Toolbox
from storage.records import PublicBot
from telegram_bot.callbacks import ForgetMe
from telegram_bot.editing import show
from telegram_bot.readers.throttle import Throttles
from telegram_bot.views import readers as views
from telegram_bot.views.answers import outdated_button
from texts import Texts


def make_router() -> Router:
    router = Router(name="subscribing")
    router.message.register(start, Command("start", ignore_case=True, ignore_mention=True))
    router.message.register(stop, Command("stop", ignore_case=True, ignore_mention=True))
    router.message.register(ask_to_forget, Command("forget", ignore_case=True, ignore_mention=True))
    router.message.register(help_, Command("help", ignore_case=True, ignore_mention=True))
    router.message.register(hint)
    router.callback_query.register(forget, ForgetMe.filter())
    router.callback_query.register(outdated)
    return router


async def start(message: Message, command: CommandObject, public_bot: PublicBot, tools: Toolbox, texts: Texts) -> None:
    is_new = await reading.subscribe(tools, public_bot.id, message.chat.id, texts.language, command.args or "")
    view = views.render_start(public_bot, is_new=is_new, texts=texts, now=tools.now())
    await message.answer(**view.as_kwargs())


async def stop(message: Message, public_bot: PublicBot, tools: Toolbox, texts: Texts) -> None:
    did_read = await reading.stop(tools, public_bot.id, message.chat.id)
    await message.answer(**views.render_stopped(did_read=did_read, texts=texts).as_kwargs())


async def ask_to_forget(message: Message, texts: Texts) -> None:
    await message.answer(**views.render_forget_question(texts).as_kwargs())


async def forget(
    query: CallbackQuery, callback_data: ForgetMe, public_bot: PublicBot, tools: Toolbox, texts: Texts
) -> None:
    if callback_data.sure:
        await reading.forget(tools, public_bot.id, query.from_user.id)
    await show(query, views.render_forgotten(is_done=callback_data.sure, texts=texts))


async def help_(message: Message, public_bot: PublicBot, texts: Texts) -> None:
    await message.answer(**views.render_help(public_bot, texts=texts).as_kwargs())


async def hint(message: Message, public_bot: PublicBot, texts: Texts, throttles: Throttles) -> None:
    if throttles.hints.admits((public_bot.id, message.chat.id)):
        await message.answer(**views.render_hint(texts).as_kwargs())


async def outdated(query: CallbackQuery, texts: Texts) -> None:
    await query.answer(outdated_button(texts))
