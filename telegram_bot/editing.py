"""Showing in a message what its button did."""

from __future__ import annotations

import contextlib

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, Message

from telegram_bot.views.view import View


async def show(query: CallbackQuery, view: View, answer: str | None = None) -> None:
    """Answer a press, then let its message look like this; one that looks so already or is gone stays as it is."""
    await query.answer(answer)
    if isinstance(query.message, Message):
        with contextlib.suppress(TelegramBadRequest):
            await query.message.edit_text(**view.as_kwargs())
