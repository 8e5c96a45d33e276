"""/health and /selftest."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message

from pipeline.services.examining import Examination
from pipeline.services.self_testing import ask_for_self_test, await_self_test, do_self_test
from pipeline.toolbox import Toolbox
from telegram_bot.errands import Errands, Views
from telegram_bot.views.health import render_checking, render_health
from telegram_bot.views.self_test import render_asked, render_self_test
from texts import Texts

FIRST_NEWS_S = 3.0
OVER_S = 15.0  # longer than any check's own deadline

Examine = Callable[[], AbstractAsyncContextManager[Examination]]


def make_router() -> Router:
    router = Router(name="health")
    router.message.register(health, Command("health"))
    router.message.register(self_test, Command("selftest"))
    return router


async def health(message: Message, errands: Errands, examine: Examine, texts: Texts) -> None:
    said = await message.answer(**render_checking(texts).as_kwargs())
    errands.begin(said.chat.id, said.message_id, _checked(examine, texts), texts)


async def self_test(message: Message, errands: Errands, tools: Toolbox, texts: Texts) -> None:
    asked = await ask_for_self_test(tools)
    said = await message.answer(**render_asked(is_local=_is_local(tools), texts=texts).as_kwargs())
    errands.begin(said.chat.id, said.message_id, _tried(tools, asked.id, texts), texts)


async def _checked(examine: Examine, texts: Texts) -> Views:
    """What is known after some seconds, and what is known in the end."""
    async with examine() as examination:
        if not await examination.wait(FIRST_NEWS_S):
            found = examination.so_far()
            yield render_health(found, [one for one in examination.subjects if one not in found], texts=texts)
            await examination.wait(OVER_S)
        yield render_health(examination.so_far(), [], texts=texts)


async def _tried(tools: Toolbox, self_test_id: int, texts: Texts) -> Views:
    if _is_local(tools):
        await do_self_test(tools, self_test_id, tools.owner)
    ended = await await_self_test(tools, self_test_id)
    yield render_self_test(ended, is_local=_is_local(tools), texts=texts)


def _is_local(tools: Toolbox) -> bool:
    return tools.settings.engine.mode == "local"
