"""/latest: the last digest again, on request."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message

from pipeline.services import reading
from pipeline.stages.rendering import render_digest
from pipeline.stages.topics import without
from pipeline.toolbox import Toolbox
from storage.records import PublicBot, Subscriber
from telegram_bot.readers.throttle import Throttles
from telegram_bot.views import readers as views
from texts import Texts


def make_router() -> Router:
    router = Router(name="last_digest")
    router.message.register(latest, Command("latest", ignore_case=True, ignore_mention=True))
    return router


async def latest(
    message: Message,
    public_bot: PublicBot,
    reader: Subscriber | None,
    tools: Toolbox,
    texts: Texts,
    throttles: Throttles,
) -> None:
    """The parts go out one after the other, at the pace of `Manners`."""
    chat = (public_bot.id, message.chat.id)
    if not throttles.digests.admits(chat):
        if throttles.hints.admits(chat):
            await message.answer(**views.render_asked_just_now(texts).as_kwargs())
        return
    digest = await reading.last_digest(tools, public_bot.id)
    shown = without(digest, reader.left_out if reader else ()) if digest else None
    if digest is None or shown is None or not shown.items:
        await message.answer(**views.render_no_latest(is_there=digest is not None, texts=texts).as_kwargs())
        return
    for part in render_digest(shown, Texts(shown.language)):
        await message.answer(**part.as_kwargs())
