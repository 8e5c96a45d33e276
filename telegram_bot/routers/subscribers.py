"""/subscribers: the numbers of a public bot's readers, invitation links, and a table of all in a private chat."""

from __future__ import annotations

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.filters import Command, CommandObject
from aiogram.types import BufferedInputFile, CallbackQuery, Message

from pipeline.services.starting import find_bot, list_bots
from pipeline.services.surveying import export_readers, find_by_id, invite, invite_numbered, load_survey
from pipeline.toolbox import Toolbox
from storage.records import Actor, PublicBot
from telegram_bot.callbacks import BotAction, ChooseBot, ExportReaders, NewInvitation
from telegram_bot.editing import show
from telegram_bot.views import answers
from telegram_bot.views.subscribers import render_invitation, render_survey, render_whose_readers
from texts import Texts


def make_router() -> Router:
    router = Router(name="subscribers")
    router.message.register(subscribers, Command("subscribers"))
    router.callback_query.register(of_chosen_bot, ChooseBot.filter(F.action == BotAction.READERS))
    router.callback_query.register(new_invitation, NewInvitation.filter())
    router.callback_query.register(export, ExportReaders.filter())
    return router


async def subscribers(message: Message, command: CommandObject, tools: Toolbox, texts: Texts, actor: Actor) -> None:
    slug, _, origin = (command.args or "").partition(" ")
    bots = [await find_bot(tools, slug)] if slug else await list_bots(tools)
    if len(bots) > 1:
        view = render_whose_readers(bots, texts=texts)
    elif origin.strip():
        view = render_invitation(bots[0], await invite(tools, bots[0], origin, actor), texts=texts)
    else:
        view = render_survey(await load_survey(tools, bots[0]), texts=texts)
    await message.answer(**view.as_kwargs())


async def of_chosen_bot(query: CallbackQuery, callback_data: ChooseBot, tools: Toolbox, texts: Texts) -> None:
    await _show(query, await find_by_id(tools, callback_data.bot_id), tools, texts)


async def new_invitation(
    query: CallbackQuery, callback_data: NewInvitation, tools: Toolbox, texts: Texts, actor: Actor
) -> None:
    bot = await find_by_id(tools, callback_data.bot_id)
    if bot is not None:
        await invite_numbered(tools, bot, callback_data.number, actor)
    await _show(query, bot, tools, texts, answers.invited(texts))


async def export(
    query: CallbackQuery, callback_data: ExportReaders, bot: Bot, tools: Toolbox, texts: Texts, actor: Actor
) -> None:
    """Whoever pressed gets the table in the chat with them, wherever the button was."""
    public_bot = await find_by_id(tools, callback_data.bot_id)
    if public_bot is None:
        await query.answer(answers.outdated_button(texts))
        return
    table = await export_readers(tools, public_bot, actor)
    try:
        await bot.send_document(query.from_user.id, BufferedInputFile(table.content, table.file_name))
    except (TelegramBadRequest, TelegramForbiddenError):
        await query.answer(answers.export_impossible(texts), show_alert=True)
    else:
        await query.answer(answers.export_sent(texts))


async def _show(
    query: CallbackQuery, bot: PublicBot | None, tools: Toolbox, texts: Texts, answer: str | None = None
) -> None:
    if bot is None:
        await query.answer(answers.outdated_button(texts))
    else:
        await show(query, render_survey(await load_survey(tools, bot), texts=texts), answer)
