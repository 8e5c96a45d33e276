"""Counting what comes of showing cards."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from pipeline.errors import MessageGone, Retryable, Uncertain
from pipeline.meter import CardEdit, Meter

T = TypeVar("T")


async def counted(call: Awaitable[T], meter: Meter) -> T:
    """The result of a call that shows a card; what it raises is counted, too, and goes through."""
    try:
        result = await call
    except Exception as error:
        meter.card_edited(_edit_of(error))
        raise
    meter.card_edited(CardEdit.SHOWN)
    return result


def _edit_of(error: Exception) -> CardEdit:
    match error:
        case Retryable():
            return CardEdit.PUT_OFF
        case Uncertain():
            return CardEdit.UNCERTAIN
        case MessageGone():
            return CardEdit.GONE
    return CardEdit.FAILED
