"""What counts as wanting something of the bot."""

from __future__ import annotations

from aiogram.enums import ChatType
from aiogram.types import CallbackQuery, Message, TelegramObject


def is_request(event: TelegramObject) -> bool:
    """A press, a message in private, a command in a group; not what people say to each other there."""
    if isinstance(event, Message):
        return event.chat.type == ChatType.PRIVATE or (event.text or event.caption or "").startswith("/")
    return isinstance(event, CallbackQuery)
