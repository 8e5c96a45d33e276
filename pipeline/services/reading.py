"""What readers do with a public bot: they come, choose, stop, look at the last digest, and are forgotten."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.toolbox import Toolbox
from storage import digests, invitations, public_bots, subscribers
from storage.records import Digest, PublicBot, Subscriber, Unreached

CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")  # https://core.telegram.org/bots/features#deep-linking


@dataclass(frozen=True, slots=True)
class Reading:
    """A public bot, and its reader in one chat; None: nothing is kept of that chat."""

    bot: PublicBot
    reader: Subscriber | None


async def load_reading(tools: Toolbox, public_bot_id: int, chat_id: int) -> Reading:
    async with tools.database.read() as session:
        bot = await public_bots.by_id(session, public_bot_id)
        assert bot is not None, f"there is no public bot {public_bot_id}"
        return Reading(bot, await subscribers.by_chat(session, public_bot_id, chat_id))


async def subscribe(tools: Toolbox, public_bot_id: int, chat_id: int, language: str, code: str) -> bool:
    """Let a person read, counted for the invitation of that code where there is one. False: they do already."""
    async with tools.database.write() as session:
        invitation_id = await invitations.id_of(session, public_bot_id, code) if CODE.fullmatch(code) else None
        return await subscribers.subscribe(
            session, public_bot_id, chat_id, language, tools.now(), invitation_id=invitation_id
        )


async def stop(tools: Toolbox, public_bot_id: int, chat_id: int) -> bool:
    """No more digests for this chat, from now on. False: it got none anyway."""
    async with tools.database.write() as session:
        return await subscribers.stop(session, public_bot_id, chat_id, tools.now())


async def note_block(tools: Toolbox, public_bot_id: int, chat_id: int) -> None:
    """A person blocked the bot."""
    async with tools.database.write() as session:
        await subscribers.retire(session, public_bot_id, chat_id, Unreached.BLOCKED, tools.now())


async def note_return(tools: Toolbox, public_bot_id: int, chat_id: int) -> None:
    """A person lifted their block."""
    async with tools.database.write() as session:
        await subscribers.come_back(session, public_bot_id, chat_id, tools.now())


async def choose_topic(tools: Toolbox, bot: PublicBot, chat_id: int, category: str, *, wanted: bool) -> frozenset[str]:
    """Let a reader have a category, or not; what they leave out now. The last category they have stays."""
    names = {one.name for one in bot.spec.categories}
    async with tools.database.write() as session:
        reader = await subscribers.by_chat(session, bot.id, chat_id)
        if reader is None:
            return frozenset()
        left_out = names.intersection(reader.left_out)
        chosen = left_out - {category} if wanted else left_out | {category}
        if chosen != left_out and chosen != names:
            await subscribers.set_left_out(session, reader.id, chosen)
            return frozenset(chosen)
    return frozenset(left_out)


async def choose_language(tools: Toolbox, public_bot_id: int, chat_id: int, language: str) -> bool:
    """Speak this language with a reader. False: nothing is kept of this chat."""
    async with tools.database.write() as session:
        return await subscribers.set_language(session, public_bot_id, chat_id, language)


async def last_digest(tools: Toolbox, public_bot_id: int) -> Digest | None:
    """The last digest that this public bot's readers were given."""
    async with tools.database.read() as session:
        return await digests.last_given(session, public_bot_id, tools.now())


async def forget(tools: Toolbox, public_bot_id: int, chat_id: int) -> bool:
    """Erase everything that is kept of a reader. False: nothing was."""
    async with tools.database.write() as session:
        return await subscribers.forget(session, public_bot_id, chat_id)
