"""/sources, channels that offer themselves, and the posts of those that were accepted."""

from __future__ import annotations

import contextlib
import logging
from datetime import UTC, datetime

from aiogram import Bot, F, Router
from aiogram.enums import ChatType, MessageEntityType
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.filters import ADMINISTRATOR, ChatMemberUpdatedFilter, Command
from aiogram.types import CallbackQuery, ChatMemberUpdated, Message

from pipeline.services.overview import load_sources
from pipeline.services.receiving import ChannelMessage, add_channel, is_source, receive
from pipeline.toolbox import Toolbox
from storage.records import Actor
from telegram_bot.callbacks import AddSource
from telegram_bot.views.answers import outdated_button
from telegram_bot.views.sources import (
    render_source_added,
    render_source_declined,
    render_source_offer,
    render_sources,
)
from texts import Texts

log = logging.getLogger(__name__)


def make_router() -> Router:
    router = Router(name="sources")
    router.message.register(sources, Command("sources"))
    became_administrator = ChatMemberUpdatedFilter(ADMINISTRATOR)
    router.my_chat_member.register(offer, became_administrator, F.chat.type == ChatType.CHANNEL)
    router.callback_query.register(decide, AddSource.filter())
    router.channel_post.register(store)
    router.edited_channel_post.register(store)
    return router


async def sources(message: Message, tools: Toolbox, texts: Texts) -> None:
    await message.answer(**render_sources(await load_sources(tools), texts=texts, now=tools.now()).as_kwargs())


async def offer(event: ChatMemberUpdated, bot: Bot, tools: Toolbox, texts: Texts) -> None:
    """Ask the operator who made the bot an administrator, in the chat with them."""
    if await is_source(tools, event.chat.id):
        return
    view = render_source_offer(event.chat.title or "", event.chat.id, texts=texts)
    try:
        await bot.send_message(event.from_user.id, **view.as_kwargs())
    except (TelegramBadRequest, TelegramForbiddenError):
        log.warning("Operator %d has no chat with the bot, so no source is offered.", event.from_user.id)


async def decide(
    query: CallbackQuery, callback_data: AddSource, bot: Bot, tools: Toolbox, texts: Texts, actor: Actor
) -> None:
    try:
        chat = await bot.get_chat(callback_data.chat_id)
    except (TelegramBadRequest, TelegramForbiddenError):
        await query.answer(outdated_button(texts), show_alert=True)
        return
    title = chat.title or str(chat.id)
    if callback_data.add or await is_source(tools, chat.id):
        source = await add_channel(tools, chat_id=chat.id, title=title, username=chat.username, actor=actor)
        view = render_source_added(title, source.name, texts=texts)
    else:
        view = render_source_declined(title, texts=texts)
    if isinstance(query.message, Message):
        with contextlib.suppress(TelegramBadRequest):  # pressed twice, so it says that already
            await query.message.edit_text(**view.as_kwargs())
    await query.answer()


async def store(message: Message, tools: Toolbox) -> None:
    await receive(
        tools,
        ChannelMessage(
            chat_id=message.chat.id,
            message_id=message.message_id,
            published_at=message.date,
            text=message.text or message.caption or "",
            links=_links(message),
            edited_at=_edited_at(message),
            album_id=message.media_group_id,
            username=message.chat.username,
        ),
    )


def _links(message: Message) -> list[str]:
    text = message.text or message.caption or ""
    found = []
    for entity in message.entities or message.caption_entities or []:
        if entity.type == MessageEntityType.TEXT_LINK and entity.url:
            found.append(entity.url)
        elif entity.type == MessageEntityType.URL:
            found.append(entity.extract_from(text))
    return found


def _edited_at(message: Message) -> datetime | None:
    """Telegram gives the edit's time in Unix seconds."""
    return datetime.fromtimestamp(message.edit_date, UTC) if message.edit_date else None
