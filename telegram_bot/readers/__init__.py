"""What the public bots say to those who read them: people in private, groups and channels hardly a word."""

from __future__ import annotations

from aiogram import Dispatcher, F, Router
from aiogram.enums import ChatType

from pipeline.toolbox import Toolbox
from telegram_bot.readers import chats, choosing, errors, last_digest, subscribing
from telegram_bot.readers.middlewares import Reception
from telegram_bot.readers.throttle import Throttles


def make_readers_dispatcher(tools: Toolbox) -> Dispatcher:
    """One for all public bots. Whoever feeds it says with each update whose it is: `public_bot_id`."""
    dispatcher = Dispatcher(disable_fsm=True, tools=tools, throttles=Throttles())
    dispatcher.include_routers(errors.make_router(), _people(), chats.make_router())
    return dispatcher


def _people() -> Router:
    """People in private; of other bots nothing is heard. The last router answers what no other understood."""
    people = Router(name="people")
    people.message.filter(F.chat.type == ChatType.PRIVATE, ~F.from_user.is_bot)
    people.callback_query.filter(F.message.chat.type == ChatType.PRIVATE)
    for observer in (people.message, people.callback_query):
        observer.middleware(Reception())
    people.include_routers(choosing.make_router(), last_digest.make_router(), subscribing.make_router())
    return people
