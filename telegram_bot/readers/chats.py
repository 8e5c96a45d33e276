"""Whether a chat lets the bot write: people who block it, groups and channels that take it in or throw it out."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.enums import ChatMemberStatus, ChatType
from aiogram.types import (
    ChatMemberAdministrator,
    ChatMemberRestricted,
    ChatMemberUpdated,
    Message,
    ResultChatMemberUnion,
)

from pipeline.services import admitting, reading
from pipeline.toolbox import Toolbox
from storage.records import ChatKind, Unreached

OUTSIDE = (ChatMemberStatus.LEFT, ChatMemberStatus.KICKED)


def make_router() -> Router:
    router = Router(name="chats")
    router.my_chat_member.register(person, F.chat.type == ChatType.PRIVATE)
    router.my_chat_member.register(room, F.chat.type.in_({ChatType.GROUP, ChatType.SUPERGROUP, ChatType.CHANNEL}))
    router.message.register(moved, F.migrate_to_chat_id)
    router.message.register(came, F.migrate_from_chat_id)
    return router


async def person(event: ChatMemberUpdated, public_bot_id: int, tools: Toolbox) -> None:
    note = reading.note_block if event.new_chat_member.status in OUTSIDE else reading.note_return
    await note(tools, public_bot_id, event.chat.id)


async def room(event: ChatMemberUpdated, public_bot_id: int, tools: Toolbox) -> None:
    kind = ChatKind(event.chat.type)
    could, can = may_write(event.old_chat_member, kind), may_write(event.new_chat_member, kind)
    if can and not could:
        await admitting.offer_chat(tools, public_bot_id, event.chat.id, kind, event.chat.title or "")
    elif not can:
        why = Unreached.REMOVED if event.new_chat_member.status in OUTSIDE else Unreached.NO_RIGHTS
        await admitting.note_loss(tools, public_bot_id, event.chat.id, why)


async def moved(message: Message, tools: Toolbox) -> None:
    assert message.migrate_to_chat_id is not None
    await admitting.note_move(tools, message.chat.id, message.migrate_to_chat_id)


async def came(message: Message, tools: Toolbox) -> None:
    assert message.migrate_from_chat_id is not None
    await admitting.note_move(tools, message.migrate_from_chat_id, message.chat.id)


def may_write(member: ResultChatMemberUnion, kind: ChatKind) -> bool:
    """Whether a bot that is this in a group or channel can send messages there."""
    if kind is ChatKind.CHANNEL:
        return isinstance(member, ChatMemberAdministrator) and bool(member.can_post_messages)
    if isinstance(member, ChatMemberRestricted):
        return member.is_member and member.can_send_messages
    return member.status not in OUTSIDE
