"""Public bots with thousands of readers, in a database and in the Telegram double alike."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import text

from pipeline.adapters.token_box import TokenBox
from settings import HOME
from storage import public_bots, subscribers
from storage.database import Database, database_url
from storage.records import ChatKind
from storage.schema import migrate
from tests.servers.telegram_server import TelegramServer
from tests.support import NOON, make_posts, make_spec, open_desk

SECRET = "the secret key of a delivery test"


@dataclass(frozen=True)
class Audience:
    """One public bot and the chats that read it; negative ids are groups."""

    slug: str
    token: str
    readers: Sequence[int]
    posts: int = 4

    @property
    def telegram_id(self) -> int:
        return int(self.token.partition(":")[0])


def make_audiences(sizes: Sequence[int], *, long_one: bool = True, groups: int = 0) -> list[Audience]:
    """Public bots with so many readers each; the last one's digest has two parts, and `groups` of its readers are
    groups."""
    made, first = [], 1000
    for number, size in enumerate(sizes, start=1):
        is_last = number == len(sizes)
        people = list(range(first, first + size))
        if is_last:
            people[:groups] = [-1_000_000_000_000 - one for one in people[:groups]]
        token = f"{700 + number}:AAD-token-number-{number}-of-a-delivery-test-0123"
        made.append(Audience(f"city-{number}", token, people, posts=45 if is_last and long_one else 4))
        first += size
    return made


def seat(telegram: TelegramServer, audiences: Sequence[Audience]) -> None:
    """Let all of them have started their bot."""
    for audience in audiences:
        bot = telegram.register_bot(audience.token, audience.telegram_id, f"{audience.slug.replace('-', '_')}_bot")
        for chat_id in audience.readers:
            if chat_id > 0:
                telegram.user(chat_id).open_chat(bot.id)
            else:
                owner = telegram.user(10_000_000 - chat_id % 1_000_000)
                group = telegram.group(chat_id, f"Group {chat_id}", owner)
                group.chat.members[bot.id] = replace(group.chat.membership(owner.id), status="member")


def store(setting: str, audiences: Sequence[Audience]) -> None:
    """Put the public bots, their posts and their readers into the database of this URL."""
    asyncio.run(_store(setting, audiences))


async def _store(setting: str, audiences: Sequence[Audience]) -> None:
    url = database_url(setting, HOME)
    await migrate(url)
    database = Database(url)
    box = TokenBox(SECRET)
    for number, audience in enumerate(audiences):
        spec = make_spec(
            audience.slug, sources=(audience.slug,), token_env="TOKEN", max_posts_per_digest=audience.posts
        )
        await open_desk(database, make_posts(audience.posts, start=100 * number + 1), spec)
        async with database.write() as session:
            await public_bots.apply(session, spec, box.encrypt(audience.token), NOON)
            bot = await public_bots.by_slug(session, audience.slug)
            assert bot is not None
            for chat_id in audience.readers:
                kind = ChatKind.PRIVATE if chat_id > 0 else ChatKind.SUPERGROUP
                await subscribers.subscribe(session, bot.id, chat_id, "en", NOON, kind=kind)
    await database.close()


@dataclass(frozen=True)
class Row:
    """A delivery as it stands in the database."""

    slug: str
    chat_id: int
    part: int
    state: str
    reason: str | None


def deliveries_of(setting: str) -> list[Row]:
    """Every delivery there is."""

    async def read() -> list[Row]:
        database = Database(database_url(setting, HOME))
        query = text(
            "SELECT public_bots.slug, deliveries.chat_id, deliveries.part, deliveries.state, deliveries.reason "
            "FROM deliveries JOIN digests ON digests.id = deliveries.digest_id "
            "JOIN public_bots ON public_bots.id = digests.public_bot_id"
        )
        async with database.read() as session:
            rows = [Row(*row) for row in await session.execute(query)]
        await database.close()
        return rows

    return asyncio.run(read())
