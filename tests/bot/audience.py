"""Public bots that have readers, and the way to these readers, which a test can hold up."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pipeline.ports import Courier
from storage import public_bots, subscribers
from tests.bot.desk import Desk, fresh_posts, utc_now
from tests.fakes import FakeCourier, FakeCouriers
from tests.servers.telegram_records import Message
from tests.support import make_spec

FIRST_READER = 1001


@dataclass
class GatedCouriers(FakeCouriers):
    """Lets `free` messages through; the others wait for `opened`."""

    free: int = 0
    begun: int = 0
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def of(self, public_bot_id: int, token_encrypted: str) -> Courier:
        return GatedCourier(self, public_bot_id)


@dataclass
class GatedCourier(FakeCourier):
    couriers: GatedCouriers

    async def send(self, chat_id: int, **message: Any) -> int:
        self.couriers.begun += 1
        if self.couriers.begun > self.couriers.free:
            await self.couriers.opened.wait()
        return await super().send(chat_id, **message)


async def open_for_readers(desk: Desk, readers: int = 5, *, number: int = 3, text: str = "", **changes: Any) -> None:
    """The bot "city" with a token and posts; its readers are FIRST_READER and those after it."""
    spec = make_spec(token_env="CITY_TOKEN", **changes)
    await desk.open(fresh_posts(number, text=text), spec)
    async with desk.database.write() as session:
        await public_bots.apply(session, spec, "sealed", utc_now())
        bot = await public_bots.by_slug(session, spec.slug)
        assert bot is not None
        await public_bots.set_identity(session, bot.id, 777, "city_news_bot")
        for chat_id in range(FIRST_READER, FIRST_READER + readers):
            await subscribers.subscribe(session, bot.id, chat_id, "en", utc_now())


def received(couriers: FakeCouriers) -> Counter[int]:
    """How many messages each chat was sent by public bots."""
    return Counter(carried.chat_id for carried in couriers.delivered)


def everybody(readers: int = 5) -> Counter[int]:
    """Each reader with one message."""
    return Counter(range(FIRST_READER, FIRST_READER + readers))


def as_shown_now(message: Message) -> int:
    """The version of a message whose buttons people look at: it may be edited before they press."""
    return len(message.history) - 1
