"""The couriers of the public bots: a token is decrypted when it is first needed, its HTTP session lives on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.adapters.token_box import TokenBox
from pipeline.errors import ForPeople
from pipeline.lazy_aiogram import import_aiogram
from pipeline.ports import Courier

if TYPE_CHECKING:
    from aiogram import Bot

CALL_TIMEOUT_S = 30.0


@dataclass
class _Open:
    token_encrypted: str
    bot: Bot
    courier: Courier


class PublicCouriers:
    """`open_box` opens what the tokens are encrypted with. aiogram is imported when the first courier is made."""

    def __init__(self, api_url: str, open_box: Callable[[], TokenBox]) -> None:
        self._api_url = api_url
        self._open_box = open_box
        self._open: dict[int, _Open] = {}

    async def of(self, public_bot_id: int, token_encrypted: str) -> Courier:
        found = self._open.get(public_bot_id)
        if found is not None and found.token_encrypted == token_encrypted:
            return found.courier
        made = self._make(token_encrypted)
        self._open[public_bot_id] = made
        if found is not None:
            await found.bot.session.close()
        return made.courier

    async def close(self) -> None:
        for one in self._open.values():
            await one.bot.session.close()
        self._open.clear()

    def _make(self, token_encrypted: str) -> _Open:
        import_aiogram()
        from aiogram import Bot
        from aiogram.utils.token import TokenValidationError

        from pipeline.adapters.courier import BotCourier
        from pipeline.adapters.telegram_session import TelegramSession

        token = self._open_box().decrypt(token_encrypted)
        session = TelegramSession(self._api_url, timeout=CALL_TIMEOUT_S)
        try:
            bot = Bot(token, session=session)
        except TokenValidationError:
            raise ForPeople("bots.token_refused") from None
        return _Open(token_encrypted, bot, BotCourier(bot))
