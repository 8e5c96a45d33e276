"""The operators' word on groups and channels that took a public bot in."""

from __future__ import annotations

import contextlib

from aiogram import Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, Message

from pipeline.services.admitting import decide, greet
from pipeline.toolbox import Toolbox
from storage.records import Actor
from telegram_bot.callbacks import AdmitChat
from telegram_bot.views.answers import outdated_button
from telegram_bot.views.chats import decided_before, render_chat_decided, render_hello
from texts import Texts


def make_router() -> Router:
    router = Router(name="chats")
    router.callback_query.register(admit, AdmitChat.filter())
    return router


async def admit(query: CallbackQuery, callback_data: AdmitChat, tools: Toolbox, texts: Texts, actor: Actor) -> None:
    decision = await decide(tools, callback_data.subscriber_id, actor, accept=callback_data.accept)
    if decision is None:
        await query.answer(outdated_button(texts))
        return
    if isinstance(query.message, Message):
        with contextlib.suppress(TelegramBadRequest):  # pressed twice, so it says that already
            await query.message.edit_text(**render_chat_decided(decision, texts=texts).as_kwargs())
    await query.answer(decided_before(decision, texts))
    if decision.is_new and decision.is_accepted:
        hello = render_hello(decision, texts=Texts(decision.chat.language))
        await greet(tools, decision.chat, **hello.as_kwargs())
