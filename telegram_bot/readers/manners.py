"""What the public bots owe to Telegram when they answer readers."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import AnswerCallbackQuery, EditMessageText, Response, SendMessage, TelegramMethod
from aiogram.methods.base import TelegramType

from pipeline.errors import BrokerUnavailable
from pipeline.meter import Limited, Meter, NoMeter
from pipeline.ports import LONGEST_RESERVATION_S, Limiter

log = logging.getLogger(__name__)

Silence = Callable[[int, float], Awaitable[None]]  # a public bot is to be silent for so many seconds

ANSWERS = (SendMessage, EditMessageText, AnswerCallbackQuery)
PATIENCE_S = 10.0
MOST_CHATS = 10_000


class Manners(BaseRequestMiddleware):
    """Makes answers keep to the limits that the delivery keeps to: so many messages a second and bot, one a chat.

    While Telegram wants a bot to be silent its answers are dropped, as if Telegram had refused them; what it says to an
    answer counts for everybody who sends in the bot's name. Without the shared limiter answers go out all the same.
    """

    def __init__(
        self, limiter: Limiter, per_chat_interval_s: float, silence: Silence, meter: Meter | None = None
    ) -> None:
        self._limiter = limiter
        self._meter = meter or NoMeter()
        self._silence = silence
        self._per_chat_interval_s = per_chat_interval_s
        self._public_ids: dict[int, int] = {}
        self._chats: dict[tuple[int, int | str], float] = {}

    def learn(self, bot: Bot, public_bot_id: int) -> None:
        """Which public bot speaks through this client."""
        self._public_ids[bot.id] = public_bot_id

    async def __call__(
        self, make_request: NextRequestMiddlewareType[TelegramType], bot: Bot, method: TelegramMethod[TelegramType]
    ) -> Response[TelegramType]:
        is_answer = isinstance(method, ANSWERS)
        if not is_answer:
            return await make_request(bot, method)
        public_bot_id = self._public_ids[bot.id]
        chat_id = getattr(method, "chat_id", None)
        if chat_id is None:  # the answer to a press, which is no message
            return await self._in_peace(public_bot_id, make_request, bot, method)
        await asyncio.sleep(self._chats.get((public_bot_id, chat_id), 0.0) - time.monotonic())
        await self._wait_for_turn(public_bot_id, method)
        try:
            return await self._in_peace(public_bot_id, make_request, bot, method)
        finally:
            self._note(public_bot_id, chat_id)

    async def _in_peace(
        self,
        public_bot_id: int,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Raises: TelegramRetryAfter: the bot is to be silent."""
        if (left_s := await self._silence_left_s(public_bot_id)) > 0:
            raise _dropped(method, left_s)
        try:
            return await make_request(bot, method)
        except TelegramRetryAfter as error:
            await self._silence(public_bot_id, error.retry_after)
            raise

    def _note(self, public_bot_id: int, chat_id: int | str) -> None:
        """The next answer to this chat waits from now on; its updates are handled one after the other."""
        now = time.monotonic()
        if len(self._chats) >= MOST_CHATS:
            self._chats = {chat: until for chat, until in self._chats.items() if until > now}
        self._chats[public_bot_id, chat_id] = now + self._per_chat_interval_s

    async def _wait_for_turn(self, public_bot_id: int, method: TelegramMethod[Any]) -> None:
        """Raises: TelegramRetryAfter: it would take too long."""
        came_at = time.monotonic()
        given_up_at = came_at + PATIENCE_S
        try:
            while (wait_s := await self._limiter.reserve(public_bot_id, 1)) > 0:
                if time.monotonic() + wait_s > given_up_at:
                    raise _dropped(method, wait_s)
                await asyncio.sleep(wait_s)
                if wait_s <= LONGEST_RESERVATION_S:
                    return
        except BrokerUnavailable:
            log.debug("The limiter cannot be asked.")
        finally:
            self._meter.waited(Limited.TELEGRAM, time.monotonic() - came_at)

    async def _silence_left_s(self, public_bot_id: int) -> float:
        try:
            return await self._limiter.pause_left_s(public_bot_id)
        except BrokerUnavailable:
            return 0.0


def _dropped(method: TelegramMethod[Any], wait_s: float) -> TelegramRetryAfter:
    return TelegramRetryAfter(method, "not sent, the bot is to be silent", math.ceil(wait_s))
