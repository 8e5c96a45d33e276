"""The command menu that Telegram shows beside a bot's message field."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from aiogram import Bot
from aiogram.exceptions import ClientDecodeError, TelegramAPIError
from aiogram.types import BotCommand

from texts import LANGUAGES, Texts

log = logging.getLogger(__name__)

TIMEOUT_S = 10


async def set_menu(bot: Bot, menu: Callable[[Texts], Sequence[BotCommand]], default_language: str) -> None:
    """Set the menu in every language; one that could not be set is worth a line."""
    try:
        await bot.set_my_commands([*menu(Texts(default_language))], request_timeout=TIMEOUT_S)
        for language in LANGUAGES:
            await bot.set_my_commands([*menu(Texts(language))], language_code=language, request_timeout=TIMEOUT_S)
    except (TelegramAPIError, ClientDecodeError) as error:
        log.warning("The command menu could not be set: %s", type(error).__name__)
