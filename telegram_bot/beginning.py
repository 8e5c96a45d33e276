"""A run that somebody in a chat asked for: its card comes first, then somebody is made to work on it."""

from __future__ import annotations

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import Message

from pipeline.services.starting import Started, ring_for
from pipeline.toolbox import Toolbox
from telegram_bot.progress import Board
from telegram_bot.views import answers
from texts import Texts


async def show_and_ring(message: Message, started: Started, tools: Toolbox, board: Board, texts: Texts) -> None:
    """The card does not wait for the broker; that of a run which goes on already comes anew at the end of the chat."""
    if started.replaced_message_id is not None:
        await board.take_away(message.chat.id, started.replaced_message_id)
        await message.answer(answers.already_going_on(texts))
    board.look()
    if started.is_new:
        await ring_for(tools, started.run)
        board.look()


async def take_choice(message: Message) -> bool:
    """Take the buttons of a question away: its message is the command, which makes one run. False: it was answered."""
    try:
        await message.delete_reply_markup()
    except TelegramBadRequest:
        return False
    return True
