"""Messages to Telegram chats through aiogram, its errors told apart by what is known of the message."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiohttp import ClientConnectorError

from pipeline.errors import MessageGone, Retryable, Uncertain, Unreachable

T = TypeVar("T")

NOT_MODIFIED = "message is not modified"
EDITED_MESSAGE_IS_GONE = ("message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID")
UNREACHABLE = ("chat not found", "user not found", "have no rights to send", "not enough rights", "WRITE_FORBIDDEN")


class Courier:
    """Sends and edits in the name of one bot.

    Raises (all methods):
        Retryable: it certainly did not arrive and may later (flood control, connection refused).
        Uncertain: nobody knows whether it arrived.
        Unreachable: this chat cannot be written to.
    """

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def send(self, chat_id: int, **message: Any) -> int:
        """Send a message; its id."""
        return (await _translated(self._bot.send_message(chat_id, **message))).message_id

    async def edit(self, chat_id: int, message_id: int, **message: Any) -> None:
        """Edit a message; one that looks like that already is fine.

        Raises:
            MessageGone: a person deleted it.
        """
        try:
            await _translated(self._bot.edit_message_text(chat_id=chat_id, message_id=message_id, **message))
        except TelegramBadRequest as error:
            if NOT_MODIFIED in error.message:
                return
            if any(text in error.message for text in EDITED_MESSAGE_IS_GONE):
                raise MessageGone from None
            raise

    async def delete(self, chat_id: int, message_id: int) -> None:
        """Delete a message of ours, if it is still there and young enough."""
        try:
            await _translated(self._bot.delete_message(chat_id, message_id))
        except TelegramBadRequest:
            return


async def _translated(call: Awaitable[T]) -> T:
    try:
        return await call
    except TelegramRetryAfter as error:
        raise Retryable("Telegram asks to wait", after_s=float(error.retry_after)) from None
    except TelegramForbiddenError as error:
        raise Unreachable(error.message) from None
    except (TelegramNotFound, TelegramMigrateToChat) as error:
        raise Unreachable(error.message) from None
    except TelegramBadRequest as error:
        if any(text in error.message for text in UNREACHABLE):
            raise Unreachable(error.message) from None
        raise
    except TelegramNetworkError as error:
        if isinstance(error.__cause__, ClientConnectorError):
            raise Retryable("Telegram cannot be reached") from None
        raise Uncertain("the connection to Telegram broke") from None
    except (TelegramServerError, ClientDecodeError):
        raise Uncertain("Telegram's answer could not be read") from None
