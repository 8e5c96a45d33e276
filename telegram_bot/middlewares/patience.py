"""How much of one operator is heard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import CallbackQuery, Message, TelegramObject

from storage.records import Actor
from telegram_bot.middlewares.requests import is_request
from telegram_bot.throttle import Throttle
from telegram_bot.views.answers import too_fast
from texts import Texts

REQUESTS, WITHIN_S = 20, 10.0


class ThrottlesOperators(BaseMiddleware):
    """Hears twenty commands and presses of one operator in any ten seconds, in all chats together.

    What is too much is not kept for later: a command gets one line every ten seconds, a press as many toasts as there
    may be presses.
    """

    def __init__(self) -> None:
        self._requests = Throttle(REQUESTS, WITHIN_S)
        self._lines = Throttle(1, WITHIN_S)
        self._toasts = Throttle(REQUESTS, WITHIN_S)

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        actor: Actor = data["actor"]
        if not is_request(event) or self._requests.admits(actor.id):
            return await handler(event, data)
        return await self._refuse(event, actor, data["texts"])

    async def _refuse(self, event: TelegramObject, actor: Actor, texts: Texts) -> None:
        if isinstance(event, CallbackQuery):
            if self._toasts.admits(actor.id):
                await event.answer(too_fast(texts))
        elif isinstance(event, Message) and self._lines.admits(actor.id):
            await event.answer(too_fast(texts))
