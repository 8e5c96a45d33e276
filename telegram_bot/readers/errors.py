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
from sqlalchemy.exc import SQLAlchemyError

from pipeline.log_marks import found_by, new_error_id
from pipeline.services.bugs import report_bug
from pipeline.toolbox import Toolbox
from storage.database import AWAY, trouble
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
        log.info("A reader was not answered: %s", type(event.exception).__name__)
        return
    await _tell_operators(event.exception, public_bot_id, tools)
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


async def _tell_operators(error: Exception, public_bot_id: int, tools: Toolbox) -> None:
    """A database that does not work is told by others, and could not be told of."""
    if isinstance(error, AWAY):
        log.error("A reader could not be served: the database does not work (%s).", trouble(error))
        return
    error_id = new_error_id()
    log.error("An update could not be handled", exc_info=error, extra=found_by(error_id))
    try:
        await report_bug(tools, "faults.reader_bug", error_id, public_bot_id=public_bot_id)
    except SQLAlchemyError as trouble_with_database:
        log.warning("Operators are not told of it: the database does not work (%s).", trouble(trouble_with_database))
