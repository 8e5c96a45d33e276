"""The people of a soak: posts keep coming in the channels, an operator orders digests and decides about drafts."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field

from benchmarks.soak.site import ADMIN_TOKEN, Site

SECONDS_BETWEEN_POSTS = 0.7
SECONDS_BETWEEN_ORDERS = 10.0
LOOK_FOR_DRAFTS_EVERY_S = 5.0

WHAT_HAPPENED = (
    "Transport: line {n} goes again. The tram was repaired within {m} days, the company says.",
    "Parks: {n} trees were planted at the river. The city wants {m} more until the autumn.",
    "Transport: мост номер {n} открыт. По нему прошли первые {m} автобусов, движение идёт по расписанию.",
    "Parks: в сквере {n} новые скамейки. Их поставили жители соседних {m} домов.",
    "The council met for the {n}th time. It listened to {m} speakers and went home.",
)


@dataclass
class Newsroom:
    """`published` counts the posts, `ordered` the commands."""

    site: Site
    chance: random.Random
    published: int = 0
    ordered: int = 0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def open(self) -> None:
        self._tasks = [asyncio.create_task(job()) for job in (self._publish, self._order, self._decide)]

    async def close(self) -> None:
        """Nobody publishes or orders any more. Drafts are decided about all the same."""
        for task in self._tasks[:2]:
            task.cancel()
        await asyncio.gather(*self._tasks[:2], return_exceptions=True)

    async def go_home(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def publish_one(self, channel: int) -> None:
        """A post like no other."""
        self.published += 1
        words = self.chance.choice(WHAT_HAPPENED).format(n=1000 + self.published, m=self.chance.randint(2, 90))
        more = " It was long expected." * self.chance.choice((0, 0, 1, 12))
        await self.site.channels[channel].post(f"{words}{more}")

    async def order_digest(self, slug: str) -> None:
        self.ordered += 1
        await self.site.anna.send(ADMIN_TOKEN, f"/digest {slug}")

    async def _publish(self) -> None:
        while True:
            await self.publish_one(self.chance.randrange(len(self.site.channels)))
            await asyncio.sleep(self.chance.uniform(0, 2 * SECONDS_BETWEEN_POSTS))

    async def _order(self) -> None:
        while True:
            await self.order_digest(self.chance.choice(self.site.audiences).slug)
            await asyncio.sleep(SECONDS_BETWEEN_ORDERS)

    async def _decide(self) -> None:
        """A draft that waits because the model failed on many posts is published."""
        while True:
            waiting = [
                run for run in await asyncio.to_thread(self.site.ledger.runs) if run.state == "awaiting_approval"
            ]
            for run in waiting:
                for message in reversed(self.site.telegram.messages(self.site.anna.id)):
                    with contextlib.suppress(LookupError):
                        await self.site.anna.press(message, f"d1:{run.id}:p")
                        break
            await asyncio.sleep(LOOK_FOR_DRAFTS_EVERY_S)
