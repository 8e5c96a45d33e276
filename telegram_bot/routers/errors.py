"""Errors, answered in one place: what people can do something about in words, bugs with an id that the log has too."""

from __future__ import annotations

import logging
import secrets
from functools import partial

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

from pipeline.errors import BrokerUnavailable, ForPeople
from storage.database import AWAY, is_full, trouble
from telegram_bot.views.choices import render_problem
from telegram_bot.views.view import View
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
    view = _view(event.exception, texts)
    asked = event.update.callback_query or event.update.message
    try:
        if isinstance(asked, CallbackQuery):
            await asked.answer(view.text[:LONGEST_ALERT], show_alert=True)
        elif isinstance(asked, Message):
            await asked.answer(**view.as_kwargs())
    except (TelegramAPIError, ClientDecodeError) as error:
        log.warning("An error could not be answered: %s", type(error).__name__)


def _view(error: Exception, texts: Texts) -> View:
    render = partial(render_problem, texts=texts)
    if isinstance(error, ForPeople):
        return render(error.message_id, error.params)
    if isinstance(error, BrokerUnavailable):
        return render("digest.broker_away", {})
    if isinstance(error, AWAY):
        log.error("An update could not be handled: the database does not work (%s).", trouble(error))
        return render("error.database_full" if is_full(error) else "error.database_away", {})
    number = secrets.token_hex(3)
    log.error("Error %s while an update was handled", number, exc_info=error)
    return render("error.unexpected", {"id": number})
