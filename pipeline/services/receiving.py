"""Posts as they appear in registered channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.services.saving import save_patiently
from pipeline.sources.visible_text import visible_text, web_links
from pipeline.toolbox import Toolbox
from storage import operators, posts, sources
from storage.records import ActionKind, Actor, IncomingPost, Source


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """A message of a channel as Telegram gives it; `links` are the addresses behind its words."""

    chat_id: int
    message_id: int
    published_at: datetime
    text: str
    links: Sequence[str] = ()
    edited_at: datetime | None = None
    album_id: str | None = None
    username: str | None = None


async def receive(tools: Toolbox, message: ChannelMessage) -> bool:
    """Store a post of a registered channel, or its edit. False: the channel is none of ours, or there is no text.

    The messages of an album are one post: its text is their captions in order, its id that of the first with a caption.
    A database that is away is waited for, since Telegram gives a post only once.
    """
    text = visible_text(message.text)
    is_stored = False

    async def save() -> None:
        nonlocal is_stored
        async with tools.database.write() as session:
            source = await sources.by_chat(session, message.chat_id)
            if source is not None and text:
                await _store(session, tools, source, message, text)
                is_stored = True

    await save_patiently(f"Post {message.message_id} of the channel {message.chat_id}", save)
    return is_stored


async def is_source(tools: Toolbox, chat_id: int) -> bool:
    async with tools.database.read() as session:
        return await sources.by_chat(session, chat_id) is not None


async def add_channel(tools: Toolbox, *, chat_id: int, title: str, username: str | None, actor: Actor) -> Source:
    """Make a channel a source; one that is one already stays as it is."""
    name = username.lower() if username else f"channel-{_internal_id(chat_id)}"
    now = tools.now()
    async with tools.database.write() as session:
        source, is_new = await sources.add_channel(
            session, chat_id=chat_id, name=name, title=title, username=username, added_by=actor.id, now=now
        )
        if is_new:
            await operators.write_down(session, actor, ActionKind.ADD_SOURCE, now, source=source.name)
    return source


async def _store(session: AsyncSession, tools: Toolbox, source: Source, message: ChannelMessage, text: str) -> None:
    if message.album_id is None:
        await posts.store(session, source.id, [_post(message, source, str(message.message_id), text)], tools.now())
    else:
        await _store_in_album(session, tools, source, message, message.album_id, text)


async def _store_in_album(
    session: AsyncSession, tools: Toolbox, source: Source, message: ChannelMessage, album_id: str, text: str
) -> None:
    await sources.lock(session, source.id)
    known = await posts.album(session, source.id, album_id)
    external_id, captions = known or (str(message.message_id), {})
    captions = {**captions, str(message.message_id): text}
    whole = "\n\n".join(captions[key] for key in sorted(captions, key=int))
    await posts.store(session, source.id, [_post(message, source, external_id, whole)], tools.now())
    await posts.set_album_captions(session, source.id, external_id, captions)


def _post(message: ChannelMessage, source: Source, external_id: str, text: str) -> IncomingPost:
    place = message.username or source.username or f"c/{_internal_id(message.chat_id)}"
    return IncomingPost(
        external_id=external_id,
        published_at=message.published_at,
        text=text,
        url=f"https://t.me/{place}/{external_id}",
        links=web_links(message.links),
        edited_at=message.edited_at,
        album_id=message.album_id,
    )


def _internal_id(chat_id: int) -> str:
    """A channel's id as links have it: without the Bot API's prefix -100."""
    return str(chat_id).removeprefix("-100").removeprefix("-")
