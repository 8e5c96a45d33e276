"""Puts the bot together and runs it: one admin bot, the writer of cards, the public bots, the local engine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.utils.token import TokenValidationError
from sqlalchemy.exc import SQLAlchemyError

from pipeline.adapters.courier import BotCourier
from pipeline.adapters.task_look import look_at_tasks
from pipeline.adapters.telegram_session import TelegramSession
from pipeline.adapters.token_box import open_token_box
from pipeline.examination import examination_of
from pipeline.pulse import is_dead
from pipeline.services.neighbours import refuse_foreign_redis
from pipeline.toolbox import Toolbox
from pipeline.wiring import local_engine, open_process
from settings import BadSettings, Settings
from storage import workers
from storage.database import trouble
from telegram_bot.bot_pool import BotPool
from telegram_bot.errands import Errands
from telegram_bot.herald import Herald
from telegram_bot.menu import set_menu
from telegram_bot.middlewares import OnlyOperators, RemembersOperators, ThrottlesOperators
from telegram_bot.offers import Offers
from telegram_bot.polling import Poller, Unauthorized
from telegram_bot.progress import Board
from telegram_bot.public_bot_server import PublicBotServer
from telegram_bot.readers import make_readers_dispatcher
from telegram_bot.routers import make_routers
from telegram_bot.strangers import Strangers
from telegram_bot.views.help import command_menu

log = logging.getLogger(__name__)

KEEP_EVERY_S = 3.0
TRY_EVERY_S = 1.0


class BadToken(Exception):
    """Telegram does not know the admin bot's token."""


class LostRole(Exception):
    """Another bot process took over while this one stood still."""


async def run_bot(settings: Settings) -> None:
    """Serve operators until SIGTERM or SIGINT.

    Raises:
        BadSettings, BadToken: there is no admin token, or Telegram refuses it.
        LostRole: another process serves this database now.
        ForeignRedis: another installation works with this Redis.
        AnotherMachine: the database is an SQLite file, and a process on another machine works with it.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    bot = make_bot(settings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(bot.session.close)
        process = await stack.enter_async_context(open_process(settings, workers.BOT, with_local_engine=True))
        await refuse_foreign_redis(process.tools)
        if not await _take_role(process.tools, stopping):
            return
        stack.push_async_callback(_free_role, process.tools)
        pulse = await stack.enter_async_context(local_engine(process))
        log.info("The bot is running; Ctrl-C stops it.")
        if not settings.telegram.operator_ids:
            log.warning(
                "telegram.operator_ids is empty: nobody is an operator. The bot tells whoever writes it their id."
            )
        board = Board(process.tools, BotCourier(bot))
        pool = make_pool(process.tools, bot.id)
        offers, herald = Offers(process.tools, BotCourier(bot)), Herald(process.tools, BotCourier(bot))
        strangers = Strangers(process.tools)
        stack.push_async_callback(strangers.write)
        errands = Errands(BotCourier(bot))
        stack.push_async_callback(errands.close)
        dispatcher = make_dispatcher(process.tools, board, strangers, errands)
        poller = Poller(bot, dispatcher)
        showing, pooling = asyncio.create_task(board.run()), asyncio.create_task(pool.run())
        stack.push_async_callback(_end, showing)
        stack.push_async_callback(_end, pooling)
        menu = set_menu(bot, command_menu, settings.telegram.language)
        jobs = (poller.run(), _keep_role(process.tools), offers.run(), herald.run(), strangers.run(), menu)
        serving = asyncio.create_task(_together(*jobs))
        stack.push_async_callback(_end, serving)
        await _until_stopped(stopping, showing, pooling, serving, pulse.refused)
        await _end(serving)
        pool.stop()
        await asyncio.gather(poller.drain(), pooling)
        board.stop()
        await showing


def make_bot(settings: Settings) -> Bot:
    """The admin bot at the configured Bot API server, with no default parse mode."""
    token = settings.telegram.admin_token
    if token is None or not token.get_secret_value():
        raise BadSettings(
            "The setting telegram.admin_token is missing: set DIGEST_TELEGRAM__ADMIN_TOKEN to what @BotFather gave."
        )
    session = TelegramSession(settings.telegram.api_url)
    try:
        return Bot(token.get_secret_value(), session=session)
    except TokenValidationError:
        raise BadSettings("The setting telegram.admin_token is no bot token; it looks like 123456:ABC-DEF….") from None


def make_dispatcher(tools: Toolbox, board: Board, strangers: Strangers, errands: Errands) -> Dispatcher:
    """The tree of routers behind the check for operators."""
    telegram = tools.settings.telegram
    dispatcher = Dispatcher(
        disable_fsm=True,
        tools=tools,
        board=board,
        errands=errands,
        examine=partial(examination_of, tools),
        look_at_tasks=look_at_tasks,
        default_language=telegram.language,
    )
    dispatcher.update.outer_middleware(OnlyOperators(frozenset(telegram.operator_ids), telegram.language, strangers))
    patience, memory = ThrottlesOperators(), RemembersOperators(tools)
    for observer in (dispatcher.message, dispatcher.callback_query, dispatcher.my_chat_member):
        observer.outer_middleware(patience)
        observer.outer_middleware(memory)
    dispatcher.include_routers(*make_routers())
    return dispatcher


def make_pool(tools: Toolbox, admin_id: int) -> BotPool:
    """The public bots; `admin_id` is whose token none of them may have."""

    def decrypt(token: str) -> str:
        return open_token_box(tools.settings.security, make_key=False).decrypt(token)

    session = TelegramSession(tools.settings.telegram.api_url, limit=0)  # a public bot more, a connection more
    return BotPool(tools, PublicBotServer(tools, session, make_readers_dispatcher(tools), decrypt, admin_id))


async def _take_role(tools: Toolbox, stopping: asyncio.Event) -> bool:
    """Wait until this process is the one bot of its database. False: it was stopped while it waited."""
    said = False
    while not stopping.is_set():
        async with tools.database.write() as session:
            holder = await workers.role_holder(session, workers.BOT)
            if holder is not None and is_dead(holder, tools.owner):
                await workers.free_role(session, workers.BOT, holder)
            if await workers.take_role(session, workers.BOT, tools.owner, tools.now(), workers.BOT_HOLD):
                return True
        if not said:
            log.warning("Another bot process (%s) serves this database; waiting for it to end.", holder)
            said = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), TRY_EVERY_S)
    return False


async def _keep_role(tools: Toolbox) -> None:
    while True:
        await asyncio.sleep(KEEP_EVERY_S)
        try:
            async with tools.database.write() as session:
                kept = await workers.take_role(session, workers.BOT, tools.owner, tools.now(), workers.BOT_HOLD)
        except SQLAlchemyError as error:
            log.warning("The database does not work (%s); trying again.", trouble(error))
            continue
        if not kept:
            raise LostRole("Another bot process serves this database now; this one ends.")


async def _free_role(tools: Toolbox) -> None:
    """For whoever waits for it. Where that cannot be written it runs out by itself, and hides no other ending."""
    try:
        async with tools.database.write() as session:
            await workers.free_role(session, workers.BOT, tools.owner)
    except SQLAlchemyError as error:
        log.warning("The database does not work (%s): the bot's role runs out by itself.", trouble(error))


async def _until_stopped(stopping: asyncio.Event, *jobs: asyncio.Future[Any]) -> None:
    """Wait for the end; a job that ends before it raises what has ended it.

    Raises:
        BadToken, LostRole, AnotherMachine: see `run_bot`.
    """
    waiting = asyncio.create_task(stopping.wait())
    ended, _ = await asyncio.wait((*jobs, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        for job in ended:
            job.result()
    except Unauthorized:
        raise BadToken(
            "Telegram does not accept telegram.admin_token: get a new one from @BotFather and set "
            "DIGEST_TELEGRAM__ADMIN_TOKEN."
        ) from None


async def _together(*jobs: Coroutine[Any, Any, None]) -> None:
    """Run all of them until one fails or this is cancelled; then all have ended."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:  # once each: a second time it would interrupt what they still put in order
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in ended:
        task.result()


async def _end(serving: asyncio.Future[Any]) -> None:
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await serving
