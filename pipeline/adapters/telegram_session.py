"""The HTTP side of all our bots, of operators and of readers."""

from __future__ import annotations

from typing import Any

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType


class TelegramSession(AiohttpSession):
    """aiogram's session, which keeps the models that answers are read with.

    pydantic forgets a model like Response[Message] as soon as nobody holds it, and making one takes longer than all
    else that is done for a call.
    """

    def __init__(self, api_url: str, **options: Any) -> None:
        super().__init__(api=TelegramAPIServer.from_base(api_url), **options)
        self._kept: set[type[Response[Any]]] = set()

    def check_response(
        self, bot: Bot, method: TelegramMethod[TelegramType], status_code: int, content: str
    ) -> Response[TelegramType]:
        self._kept.add(Response[method.__returning__])  # type: ignore[name-defined]
        return super().check_response(bot, method, status_code, content)
