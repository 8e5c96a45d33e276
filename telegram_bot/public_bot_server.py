"""Serving one public bot: its token opened, its identity learned, its menu set, its updates handled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.exceptions import TelegramNotFound, TelegramRetryAfter, TelegramUnauthorizedError
from aiogram.types import User
from aiogram.utils.token import TokenValidationError

from pipeline.errors import ForPeople
from pipeline.toolbox import Toolbox
from storage import public_bots
from storage.records import BotToken
from telegram_bot.first_contacts import FirstContacts
from telegram_bot.menu import set_menu
from telegram_bot.polling import Poller, Unauthorized
from telegram_bot.readers.manners import Manners
from telegram_bot.silences import Silences
from telegram_bot.views.readers import reader_menu

HOLD_S = 1.0  # a reader who gets a long answer does not hold up the others for longer
TIMEOUT_S = 20

KEY_LOST = "bots.secret_key_lost"
REFUSED, TWICE, OF_ADMIN = "bots.token_refused", "bots.token_twice", "bots.token_of_admin"


class TokenFault(Exception):
    """A public bot cannot be served with its token; `message_id` says why and what to do."""

    def __init__(self, message_id: str) -> None:
        super().__init__(message_id)
        self.message_id = message_id


class PublicBotServer:
    """Serves any number of public bots over one HTTP session, whose connections have no limit: each bot holds one.

    `decrypt` opens a stored token, or raises ForPeople; `admin_id` is the admin bot's own Telegram id.
    """

    def __init__(
        self,
        tools: Toolbox,
        session: AiohttpSession,
        dispatcher: Dispatcher,
        decrypt: Callable[[str], str],
        admin_id: int,
    ) -> None:
        self._tools = tools
        self._dispatcher = dispatcher
        self._decrypt = decrypt
        self._admin_id = admin_id
        interval_s = tools.settings.delivery.per_chat_interval_s
        self._manners = Manners(tools.limiter, interval_s, Silences(tools).begin, tools.meter)
        self._first_contacts = FirstContacts()
        self._session = session
        self._session.middleware(self._manners)

    async def serve(self, token: BotToken) -> None:
        """Until cancelled; handlers that are at it then may finish.

        Raises:
            TokenFault: the token cannot be used.
        """
        bot = self._open(token)
        if token.telegram_id is None:
            await self._introduce(bot, token.public_bot_id)
        await set_menu(bot, reader_menu, token.language)
        poller = Poller(bot, self._dispatcher, HOLD_S, public_bot_id=token.public_bot_id)
        try:
            await poller.run()
        except Unauthorized:
            raise TokenFault(REFUSED) from None
        except asyncio.CancelledError:
            await poller.drain()
            raise

    def can_open(self, token: BotToken) -> bool:
        """Whether the key that it was encrypted with is here."""
        try:
            self._decrypt(token.encrypted)
        except ForPeople:
            return False
        return True

    def is_the_same(self, one: BotToken, other: BotToken) -> bool:
        """Whether it is one token that was encrypted twice."""
        try:
            return self._decrypt(one.encrypted) == self._decrypt(other.encrypted)
        except ForPeople:
            return False

    async def close(self) -> None:
        await self._session.close()

    def _open(self, token: BotToken) -> Bot:
        try:
            bot = Bot(self._decrypt(token.encrypted), session=self._session)
        except ForPeople as error:
            raise TokenFault(error.message_id) from None
        except TokenValidationError:
            raise TokenFault(REFUSED) from None
        if bot.id == self._admin_id:
            raise TokenFault(OF_ADMIN)
        self._manners.learn(bot, token.public_bot_id)
        return bot

    async def _introduce(self, bot: Bot, public_bot_id: int) -> None:
        """Learn who a new bot is. Raises: TokenFault: nobody, or another public bot."""
        me = await self._first_contact(bot)
        async with self._tools.database.write() as session:
            is_alone = await public_bots.set_identity(session, public_bot_id, me.id, me.username)
        if not is_alone:
            raise TokenFault(TWICE)

    async def _first_contact(self, bot: Bot) -> User:
        while True:
            await self._first_contacts.wait()
            try:
                return await bot.get_me(request_timeout=TIMEOUT_S)
            except TelegramRetryAfter as error:
                self._first_contacts.pause(error.retry_after)
            except (TelegramUnauthorizedError, TelegramNotFound):  # 404: what a malformed token gets
                raise TokenFault(REFUSED) from None
