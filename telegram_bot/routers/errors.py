"""Errors, answered in one place: what people can do something about in words, bugs with an id that the log has too."""

from __future__ import annotations

import logging

from aiogram import Router
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import CallbackQuery, ErrorEvent, Message, User

from telegram_bot.problems import view_of
from texts import Texts

log = logging.getLogger(__name__)

LONGEST_ALERT = 200
CANNOT_BE_TOLD = (
    TelegramRetryAfter,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramServerError,
    ClientDecodeError,
)


def make_router() -> Router:
    router = Router(name="errors")
    router.errors.register(answer)
    return router


async def answer(event: ErrorEvent, default_language: str, event_from_user: User | None = None) -> None:
    """Tell whoever asked. Where Telegram itself is what failed, that is worth a line only."""
    if isinstance(event.exception, CANNOT_BE_TOLD):
        log.warning("An answer could not be given: %s", type(event.exception).__name__)
        return
    texts = Texts(event_from_user.language_code if event_from_user else None, default_language)
    view = view_of(event.exception, texts)
    asked = event.update.callback_query or event.update.message
    try:
        if isinstance(asked, CallbackQuery):
            await asked.answer(view.text[:LONGEST_ALERT], show_alert=True)
        elif isinstance(asked, Message):
            await asked.answer(**view.as_kwargs())
    except (TelegramAPIError, ClientDecodeError) as error:
        log.warning("An error could not be answered: %s", type(error).__name__)
