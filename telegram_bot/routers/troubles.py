"""/errors: what went wrong lately; /retry: a failed digest once more."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from pipeline.errors import ForPeople
from pipeline.services.diagnosing import load_troubles
from pipeline.services.retrying import load_failed, retry_run
from pipeline.toolbox import Toolbox
from storage.records import Actor
from telegram_bot.beginning import show_and_ring, take_choice
from telegram_bot.callbacks import RetryRun
from telegram_bot.progress import Board
from telegram_bot.views import answers
from telegram_bot.views.choices import render_not_understood, render_retry_choice
from telegram_bot.views.troubles import render_troubles
from telegram_bot.words import parse_run_id
from texts import Texts


def make_router() -> Router:
    router = Router(name="troubles")
    router.message.register(errors, Command("errors"))
    router.message.register(retry, Command("retry"))
    router.callback_query.register(retry_pressed, RetryRun.filter())
    return router


async def errors(message: Message, tools: Toolbox, texts: Texts) -> None:
    await message.answer(**render_troubles(await load_troubles(tools), texts=texts, now=tools.now()).as_kwargs())


async def retry(
    message: Message, command: CommandObject, tools: Toolbox, board: Board, texts: Texts, actor: Actor
) -> None:
    wanted = parse_run_id(command.args or "")
    if command.args and wanted is None:
        await message.answer(**render_not_understood("retry", command.args, texts=texts).as_kwargs())
        return
    failed = [] if wanted is not None else await load_failed(tools)
    run_ids = [wanted] if wanted is not None else [one.run.id for one in failed]
    if not run_ids:
        raise ForPeople("retry.nothing")
    if len(run_ids) > 1:
        await message.answer(**render_retry_choice(failed, texts=texts).as_kwargs())
        return
    await _begin(message, run_ids[0], actor, tools, board, texts)


async def retry_pressed(
    query: CallbackQuery, callback_data: RetryRun, tools: Toolbox, board: Board, texts: Texts, actor: Actor
) -> None:
    if not isinstance(query.message, Message) or not await take_choice(query.message):
        await query.answer(answers.outdated_button(texts))
        return
    await _begin(query.message, callback_data.run_id, actor, tools, board, texts)
    await query.answer()


async def _begin(message: Message, run_id: int, actor: Actor, tools: Toolbox, board: Board, texts: Texts) -> None:
    started = await retry_run(
        tools, run_id, actor, chat_id=message.chat.id, message_id=message.message_id, language=texts.language
    )
    await show_and_ring(message, started, tools, board, texts)
