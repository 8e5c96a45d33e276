"""What our buttons say when they are pressed, in the 64 bytes that Telegram allows.

The number in a prefix is its version: raise it when what a button says changes, so that no outdated button is misread.
"""

from __future__ import annotations

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData


class BotAction(StrEnum):
    """What is to be done with the public bot that is chosen."""

    DIGEST = "d"


class CancelRun(CallbackData, prefix="c1"):
    run_id: int


class ChooseBot(CallbackData, prefix="b1"):
    """`period` and `limit` are those of the command, checked before; None: not given."""

    action: BotAction
    bot_id: int
    period: str | None = None
    limit: int | None = None


class AddSource(CallbackData, prefix="s1"):
    chat_id: int
    add: bool


class SendAgain(CallbackData, prefix="a1"):
    """Send the part of the digest again that may not have arrived."""

    run_id: int
