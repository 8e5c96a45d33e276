"""What handlers are told of the reader who writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import CallbackQuery, Chat, TelegramObject, User

from pipeline.errors import BrokerUnavailable
from pipeline.services.reading import load_reading
from pipeline.toolbox import Toolbox
from storage.records import PublicBot
from telegram_bot.readers.throttle import Throttles
from texts import Texts


class Reception(BaseMiddleware):
    """Gives handlers `public_bot`, its `reader` in this chat and `texts` in their language: the one they chose, else
    Telegram's, else the public bot's. Whoever writes or presses too much is not heard."""

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        tools: Toolbox = data["tools"]
        throttles: Throttles = data["throttles"]
        chat: Chat = data["event_chat"]
        user: User = data["event_from_user"]
        heard = throttles.presses if isinstance(event, CallbackQuery) else throttles.messages
        if not heard.admits((data["public_bot_id"], chat.id)):
            return None
        found = await load_reading(tools, data["public_bot_id"], chat.id)
        await _remember_silence(tools, found.bot)
        texts = Texts(found.reader.language if found.reader else user.language_code, found.bot.spec.language)
        return await handler(event, {**data, "public_bot": found.bot, "reader": found.reader, "texts": texts})


async def _remember_silence(tools: Toolbox, bot: PublicBot) -> None:
    """What Telegram told the bot outlives the limiter's memory in its row."""
    left_s = (bot.parked_until - tools.now()).total_seconds() if bot.parked_until else 0.0
    if left_s > 0:
        try:
            await tools.limiter.pause(bot.id, left_s)
        except BrokerUnavailable:
            return
