"""Who may come in, and how they are called."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.enums import ChatType
from aiogram.types import CallbackQuery, Message, TelegramObject, User
from sqlalchemy.exc import SQLAlchemyError

from pipeline.toolbox import Toolbox
from storage import operators
from storage.records import Actor, Operator
from telegram_bot.views.answers import not_for_strangers
from telegram_bot.views.help import render_stranger
from texts import Texts

log = logging.getLogger(__name__)

ONE_LINE_EVERY_S = 3600.0
MOST_STRANGERS = 10_000
SEEN_EVERY_S = 3600.0


class OnlyOperators(BaseMiddleware):
    """Lets operators through, with `texts` in their language and `actor`. A stranger gets one polite line an hour, in
    private."""

    def __init__(self, operator_ids: frozenset[int], default_language: str) -> None:
        self._operator_ids = operator_ids
        self._default_language = default_language
        self._answered: dict[int, float] = {}

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        user: User | None = data.get("event_from_user")
        texts = Texts(user.language_code if user else None, self._default_language)
        if user is not None and user.id in self._operator_ids:
            return await handler(event, {**data, "texts": texts, "actor": Actor(user.id, user.full_name)})
        if user is not None:
            await self._turn_away(event, user, texts)
        return None

    async def _turn_away(self, event: TelegramObject, user: User, texts: Texts) -> None:
        if isinstance(event, CallbackQuery):
            await event.answer(not_for_strangers(user.id, texts=texts))
        elif isinstance(event, Message) and event.chat.type == ChatType.PRIVATE and self._may_answer(user.id):
            log.info("A stranger (%d) wrote to the admin bot.", user.id)
            await event.answer(**render_stranger(user.id, texts=texts).as_kwargs())

    def _may_answer(self, user_id: int) -> bool:
        now = time.monotonic()
        if now - self._answered.get(user_id, float("-inf")) < ONE_LINE_EVERY_S:
            return False
        if len(self._answered) >= MOST_STRANGERS:
            self._answered.clear()
        self._answered[user_id] = now
        return True


class RemembersOperators(BaseMiddleware):
    """Stores how the operators who write or press are called and what they read: when that is new, and once an hour."""

    def __init__(self, tools: Toolbox) -> None:
        self._tools = tools
        self._stored: dict[int, tuple[Operator, float]] = {}

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        actor: Actor = data["actor"]
        texts: Texts = data["texts"]
        if actor.id is not None:
            await self._remember(Operator(actor.id, actor.name, texts.language))
        return await handler(event, data)

    async def _remember(self, operator: Operator) -> None:
        known, stored_at = self._stored.get(operator.user_id, (None, 0.0))
        now = time.monotonic()
        if known == operator and now - stored_at < SEEN_EVERY_S:
            return
        try:
            async with self._tools.database.write() as session:
                await operators.seen(session, operator, self._tools.now())
        except SQLAlchemyError as error:
            log.warning("Operator %d could not be stored: %s", operator.user_id, type(error).__name__)
        else:
            self._stored[operator.user_id] = (operator, now)
