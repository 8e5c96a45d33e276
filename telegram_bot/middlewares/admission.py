"""Who may come in."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.enums import ChatType
from aiogram.exceptions import ClientDecodeError, TelegramAPIError
from aiogram.types import CallbackQuery, ChatMemberUpdated, Message, TelegramObject, Update, User

from storage.records import Actor
from telegram_bot.middlewares.requests import is_request
from telegram_bot.strangers import Strangers
from telegram_bot.throttle import Throttle
from telegram_bot.views.answers import not_for_strangers
from telegram_bot.views.help import render_stranger
from texts import Texts

log = logging.getLogger(__name__)

ONE_LINE_EVERY_S = 3600.0
LINES_A_MINUTE = 60  # to all strangers together: a crowd of them must not use up what Telegram lets the bot say

Asked = Message | CallbackQuery | ChatMemberUpdated


class OnlyOperators(BaseMiddleware):
    """Stands before all handlers. Lets through what operators write, press and decide, with `texts` in their language
    and `actor`, and what channels post, which handlers admit by the channel. Everything else ends here, of whatever
    kind it is.

    What strangers want is counted. Each gets one polite line an hour in private, and one to a press.
    """

    def __init__(self, operator_ids: frozenset[int], default_language: str, strangers: Strangers) -> None:
        self._operator_ids = operator_ids
        self._default_language = default_language
        self._strangers = strangers
        self._lines = Throttle(1, ONE_LINE_EVERY_S)
        self._all_lines = Throttle(LINES_A_MINUTE, 60.0)

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        assert isinstance(event, Update)
        if event.channel_post or event.edited_channel_post:
            return await handler(event, data)
        asked = event.message or event.callback_query or event.my_chat_member
        user = asked.from_user if asked else None
        if asked is None or user is None:
            return None
        texts = Texts(user.language_code, self._default_language)
        if self._is_operator(asked, user):
            return await handler(event, {**data, "texts": texts, "actor": Actor(user.id, user.full_name)})
        if is_request(asked):
            self._strangers.count(user.id)
            await self._turn_away(asked, user, texts)
        return None

    def _is_operator(self, asked: Asked, user: User) -> bool:
        """Whoever writes in a chat's name, as anonymous administrators do, shows nobody's id."""
        is_in_disguise = isinstance(asked, Message) and asked.sender_chat is not None
        return user.id in self._operator_ids and not user.is_bot and not is_in_disguise

    async def _turn_away(self, asked: Asked, user: User, texts: Texts) -> None:
        try:
            if isinstance(asked, CallbackQuery):
                if self._may_answer(user, "press"):
                    await asked.answer(not_for_strangers(user.id, texts=texts))
            elif isinstance(asked, Message) and asked.chat.type == ChatType.PRIVATE and self._may_answer(user, "line"):
                await asked.answer(**render_stranger(user.id, texts=texts).as_kwargs())
        except (TelegramAPIError, ClientDecodeError) as error:
            log.info("A stranger (%d) was not answered: %s", user.id, type(error).__name__)

    def _may_answer(self, user: User, way: str) -> bool:
        if not self._lines.admits((user.id, way)) or not self._all_lines.admits(None):
            return False
        log.info("A stranger (%d) came to the admin bot.", user.id)
        return True
