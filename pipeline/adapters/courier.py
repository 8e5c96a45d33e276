"""Messages to Telegram chats through aiogram, its errors told apart by what is known of the message."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable
from typing import Any, TypeVar

from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import Response
from aiogram.types import Message
from aiohttp import ClientConnectorError

from pipeline.errors import (
    MessageGone,
    MessageRefused,
    Migrated,
    Retryable,
    TokenRefused,
    Uncertain,
    Unreachable,
)
from storage.records import Unreached

T = TypeVar("T")

NOT_MODIFIED = "message is not modified"
EDITED_MESSAGE_IS_GONE = ("message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID")

# In the words of telegram-bot-api's Client.cpp and of the servers behind it; the first that is found counts.
BAD_MESSAGE = (
    "can't parse",
    "message is too long",
    "MESSAGE_TOO_LONG",
    "message text is empty",
    "text must be non-empty",
    "MESSAGE_EMPTY",
    "ENTITY_",
    "ENTITIES_TOO_LONG",
    "must be encoded in UTF-8",
    "BUTTON_",
    "REPLY_MARKUP",
)
WHY: tuple[tuple[str, Unreached], ...] = (
    ("bot was blocked", Unreached.BLOCKED),
    ("deactivated", Unreached.DEACTIVATED),
    ("group chat was deleted", Unreached.NOT_FOUND),
    ("initiate conversation", Unreached.NEVER_STARTED),
    ("kicked", Unreached.REMOVED),
    ("not a member", Unreached.REMOVED),
    ("chat not found", Unreached.NOT_FOUND),
    ("user not found", Unreached.NOT_FOUND),
    ("PEER_ID_INVALID", Unreached.NOT_FOUND),
    ("CHANNEL_PRIVATE", Unreached.REMOVED),
    ("have no rights", Unreached.NO_RIGHTS),
    ("not enough rights", Unreached.NO_RIGHTS),
    ("administrator rights", Unreached.NO_RIGHTS),
    ("CHAT_ADMIN_REQUIRED", Unreached.NO_RIGHTS),
    ("WRITE_FORBIDDEN", Unreached.NO_RIGHTS),
    ("CHAT_SEND_", Unreached.NO_RIGHTS),
    ("CHAT_RESTRICTED", Unreached.NO_RIGHTS),
)


class BotCourier:
    """Sends and edits in the name of one bot; `pipeline.ports.Courier` says what its methods raise."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._kept = Response[
            Message
        ]  # aiogram asks for this class at every call, and pydantic forgets it if nobody does

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
        except Unreachable as error:
            if NOT_MODIFIED in str(error):
                return
            if any(text in str(error) for text in EDITED_MESSAGE_IS_GONE):
                raise MessageGone from None
            raise

    async def delete(self, chat_id: int, message_id: int) -> None:
        """Delete a message of ours, if it is still there and young enough."""
        with contextlib.suppress(Unreachable):
            await _translated(self._bot.delete_message(chat_id, message_id))


async def _translated(call: Awaitable[T]) -> T:
    try:
        return await call
    except TelegramRetryAfter as error:
        raise Retryable("Telegram asks to wait", after_s=float(error.retry_after)) from None
    except TelegramMigrateToChat as error:
        raise Migrated(error.migrate_to_chat_id) from None
    except (TelegramUnauthorizedError, TelegramNotFound):  # 404: what the server says to a malformed token
        raise TokenRefused("Telegram does not know this bot's token") from None
    except (TelegramForbiddenError, TelegramBadRequest) as error:
        raise _refusal(error) from None
    except TelegramNetworkError as error:
        if isinstance(error.__cause__, ClientConnectorError):
            raise Retryable("Telegram cannot be reached") from None
        raise Uncertain("the connection to Telegram broke") from None
    except (TelegramServerError, ClientDecodeError):
        raise Uncertain("Telegram's answer could not be read") from None


def _refusal(error: TelegramAPIError) -> MessageRefused | Unreachable:
    """What a refusal says of the message or of the chat; one that we do not know concerns this chat alone."""
    if any(text in error.message for text in BAD_MESSAGE):
        return MessageRefused(error.message)
    why = next((why for text, why in WHY if text in error.message), Unreached.REFUSED)
    return Unreachable(error.message, why)
