"""Groups and channels that take a public bot in: operators say whether its digests go there."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.errors import (
    BrokerUnavailable,
    ForPeople,
    MessageRefused,
    Migrated,
    Retryable,
    TokenRefused,
    Uncertain,
    Unreachable,
)
from pipeline.ports import Courier
from pipeline.toolbox import Toolbox
from storage import operators, public_bots, subscribers
from storage.records import ActionKind, Actor, ChatKind, PublicBot, Subscriber, SubscriberState, Unreached

log = logging.getLogger(__name__)

DECISIONS = (ActionKind.ACCEPT_CHAT, ActionKind.DECLINE_CHAT)
ACTIONS_LOOKED_AT = 500
NOT_SAID = (
    BrokerUnavailable,
    ForPeople,
    MessageRefused,
    Migrated,
    Retryable,
    TokenRefused,
    Uncertain,
    Unreachable,
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A group or channel that waits for an operator's word."""

    chat: Subscriber
    bot: PublicBot


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of an offer. `by` is None where nothing was left to decide, as the chat has gone; `is_new`: this word
    decided it."""

    chat: Subscriber
    bot: PublicBot
    by: Actor | None
    is_new: bool

    @property
    def is_accepted(self) -> bool:
        return self.chat.state is SubscriberState.ACTIVE


async def offer_chat(tools: Toolbox, public_bot_id: int, chat_id: int, kind: ChatKind, title: str) -> None:
    """A group or channel took the public bot in; operators are to be asked."""
    async with tools.database.write() as session:
        bot = await public_bots.by_id(session, public_bot_id)
        assert bot is not None, f"there is no public bot {public_bot_id}"
        await subscribers.offer(session, bot.id, chat_id, kind, title, bot.spec.language, tools.now())


async def note_loss(tools: Toolbox, public_bot_id: int, chat_id: int, why: Unreached) -> None:
    """The public bot cannot write to a group or channel any more."""
    async with tools.database.write() as session:
        await subscribers.retire(session, public_bot_id, chat_id, why, tools.now())


async def note_move(tools: Toolbox, old_chat_id: int, new_chat_id: int) -> None:
    """A group became a supergroup."""
    async with tools.database.write() as session:
        await subscribers.move(session, old_chat_id, new_chat_id, tools.now())


async def unasked_offers(tools: Toolbox) -> Sequence[Offer]:
    """The groups and channels that operators were not asked about yet, oldest first."""
    async with tools.database.read() as session:
        chats = await subscribers.unasked(session)
        bots = {bot.id: bot for bot in await public_bots.everyone(session)} if chats else {}
        return [Offer(chat, bots[chat.public_bot_id]) for chat in chats]


async def note_asked(tools: Toolbox, subscriber_id: int) -> None:
    """The operators have the question."""
    async with tools.database.write() as session:
        await subscribers.asked(session, subscriber_id, tools.now())


async def decide(tools: Toolbox, subscriber_id: int, actor: Actor, *, accept: bool) -> Decision | None:
    """Say whether a group or channel gets the digests; whoever says it first decides. None: there is no such chat."""
    async with tools.database.write() as session:
        is_new = await subscribers.decide(session, subscriber_id, tools.now(), accept=accept)
        chat = await subscribers.by_id(session, subscriber_id)
        bot = await public_bots.by_id(session, chat.public_bot_id) if chat else None
        if chat is None or bot is None:
            return None
        if not is_new:
            return Decision(chat, bot, await _decided_before(session, chat), is_new=False)
        kind = ActionKind.ACCEPT_CHAT if accept else ActionKind.DECLINE_CHAT
        title = chat.title or ""
        await operators.write_down(
            session, actor, kind, tools.now(), public_bot_id=bot.id, subscriber=chat.id, title=title
        )
        return Decision(chat, bot, actor, is_new=True)


async def greet(tools: Toolbox, chat: Subscriber, **message: Any) -> None:
    """Say hello in a chat that was let in; where that does not work nothing is lost."""
    async with tools.database.read() as session:
        token = await public_bots.token(session, chat.public_bot_id)
    try:
        if token is not None and await tools.limiter.pause_left_s(chat.public_bot_id) <= 0:
            courier = await tools.couriers.of(chat.public_bot_id, token)
            await _send(tools, courier, chat, message)
    except NOT_SAID as error:
        log.info("Chat %d could not be greeted: %s.", chat.chat_id, error)


async def _send(tools: Toolbox, courier: Courier, chat: Subscriber, message: Mapping[str, Any]) -> None:
    try:
        await courier.send(chat.chat_id, **message)
    except Retryable as error:
        if error.after_s is not None:
            await tools.limiter.pause(chat.public_bot_id, error.after_s)
        raise


async def _decided_before(session: AsyncSession, chat: Subscriber) -> Actor | None:
    if chat.state is SubscriberState.RETIRED:
        return None
    actions = await operators.actions_of_bot(session, chat.public_bot_id, ACTIONS_LOOKED_AT)
    of_chat = (one for one in actions if one.kind in DECISIONS and one.details.get("subscriber") == chat.id)
    return next((one.actor for one in of_chat), None)
