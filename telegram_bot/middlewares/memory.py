"""What is remembered of the operators who write."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import TelegramObject
from sqlalchemy.exc import SQLAlchemyError

from pipeline.toolbox import Toolbox
from storage import operators
from storage.records import Actor, Operator
from texts import Texts

log = logging.getLogger(__name__)

SEEN_EVERY_S = 3600.0


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
        try:
            return await handler(event, data)
        finally:  # who asks does not wait for this
            if actor.id is not None:
                await self._remember(Operator(actor.id, actor.name, texts.language))

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
