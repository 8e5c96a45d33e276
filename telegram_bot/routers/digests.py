"""/digest and /cancel, and the buttons that go with them."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from pipeline.errors import ForPeople
from pipeline.services.overview import load_active
from pipeline.services.starting import Order, cancel_run, check_limit, find_bot, list_bots, start_run
from pipeline.stages.periods import parse_period
from pipeline.toolbox import Toolbox
from storage import cards, public_bots
from storage.records import Actor
from telegram_bot.beginning import show_and_ring, take_choice
from telegram_bot.callbacks import BotAction, CancelRun, ChooseBot, SendAgain
from telegram_bot.progress import Board
from telegram_bot.views import answers
from telegram_bot.views.choices import render_bot_choice, render_not_understood, render_run_choice
from telegram_bot.words import Wish, parse_run_id, parse_wish
from texts import Texts


def make_router() -> Router:
    router = Router(name="digests")
    router.message.register(digest, Command("digest"))
    router.callback_query.register(digest_of_chosen_bot, ChooseBot.filter(F.action == BotAction.DIGEST))
    router.message.register(cancel, Command("cancel"))
    router.callback_query.register(cancel_pressed, CancelRun.filter())
    router.callback_query.register(send_again, SendAgain.filter())
    return router


async def digest(
    message: Message, command: CommandObject, tools: Toolbox, board: Board, texts: Texts, actor: Actor
) -> None:
    wish = parse_wish(command.args or "")
    if wish is None:
        await message.answer(**render_not_understood("digest", command.args or "", texts=texts).as_kwargs())
        return
    check_limit(wish.limit)
    bots = [await find_bot(tools, wish.bot)] if wish.bot else await list_bots(tools)
    if wish.period:
        parse_period(wish.period, bots[0].spec.timezone, tools.now())
    if len(bots) > 1:
        view = render_bot_choice(bots, period=wish.period, limit=wish.limit, texts=texts)
        await message.answer(**view.as_kwargs())
        return
    await _begin(message, actor, bots[0].slug, wish, tools, board, texts)


async def digest_of_chosen_bot(
    query: CallbackQuery, callback_data: ChooseBot, tools: Toolbox, board: Board, texts: Texts, actor: Actor
) -> None:
    async with tools.database.read() as session:
        bot = await public_bots.by_id(session, callback_data.bot_id)
    if bot is None or not isinstance(query.message, Message) or not await take_choice(query.message):
        await query.answer(answers.outdated_button(texts))
        return
    wish = Wish(bot.slug, callback_data.period, callback_data.limit)
    await _begin(query.message, actor, bot.slug, wish, tools, board, texts)
    await query.answer()


async def cancel(
    message: Message, command: CommandObject, tools: Toolbox, board: Board, texts: Texts, actor: Actor
) -> None:
    wanted = parse_run_id(command.args or "")
    if command.args and wanted is None:
        await message.answer(**render_not_understood("cancel", command.args, texts=texts).as_kwargs())
        return
    active = await load_active(tools)
    run_ids = [wanted] if wanted is not None else [one.run.id for one in active]
    if not run_ids:
        raise ForPeople("run.nothing_to_cancel")
    if len(run_ids) > 1:
        await message.answer(**render_run_choice(active, texts=texts).as_kwargs())
        return
    was_going_on = await cancel_run(tools, run_ids[0], actor)
    board.look()
    await message.answer(answers.cancelling(texts) if was_going_on else answers.already_ended(texts))


async def cancel_pressed(
    query: CallbackQuery, callback_data: CancelRun, tools: Toolbox, board: Board, texts: Texts, actor: Actor
) -> None:
    was_going_on = await cancel_run(tools, callback_data.run_id, actor)
    board.look()
    await query.answer(answers.cancelling(texts) if was_going_on else answers.already_ended(texts))


async def send_again(
    query: CallbackQuery, callback_data: SendAgain, tools: Toolbox, board: Board, texts: Texts
) -> None:
    chat_id = query.message.chat.id if query.message else query.from_user.id
    async with tools.database.write() as session:
        is_possible = await cards.send_again(session, callback_data.run_id, chat_id)
    board.look()
    await query.answer(answers.sending_again(texts) if is_possible else answers.still_sending(texts))


async def _begin(
    message: Message, actor: Actor, slug: str, wish: Wish, tools: Toolbox, board: Board, texts: Texts
) -> None:
    order = Order(
        slug,
        wish.period,
        wish.limit,
        origin="operator",
        chat_id=message.chat.id,
        message_id=message.message_id,
        actor=actor,
        language=texts.language,
    )
    await show_and_ring(message, await start_run(tools, order), tools, board, texts)
