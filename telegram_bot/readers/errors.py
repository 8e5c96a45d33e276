"""Errors while a reader was served: a line in the log; the reader sees one polite sentence at most."""

from __future__ import annotations

import logging

from aiogram import Router
from aiogram.enums import ChatType
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import CallbackQuery, ErrorEvent, Message, User

from pipeline.toolbox import Toolbox
from texts import Texts

log = logging.getLogger(__name__)

CANNOT_BE_TOLD = (
    TelegramRetryAfter,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramServerError,
    TelegramUnauthorizedError,
    ClientDecodeError,
)


def make_router() -> Router:
    router = Router(name="errors")
    router.errors.register(answer)
    return router


async def answer(event: ErrorEvent, public_bot_id: int, tools: Toolbox, event_from_user: User | None = None) -> None:
    """Where Telegram itself is what failed there is nobody to tell."""
    if isinstance(event.exception, CANNOT_BE_TOLD):
        log.info("A reader of public bot %d was not answered: %s", public_bot_id, type(event.exception).__name__)
        return
    log.error("An update of public bot %d could not be handled", public_bot_id, exc_info=event.exception)
    language = event_from_user.language_code if event_from_user else None
    sentence = Texts(language, tools.settings.telegram.language).get("reader.sorry")
    asked = event.update.callback_query or event.update.message
    try:
        if isinstance(asked, CallbackQuery):
            await asked.answer(sentence)
        elif isinstance(asked, Message) and asked.chat.type == ChatType.PRIVATE:
            await asked.answer(sentence, parse_mode=None)
    except (TelegramAPIError, ClientDecodeError) as error:
        log.info("Nor could they be told: %s", type(error).__name__)
