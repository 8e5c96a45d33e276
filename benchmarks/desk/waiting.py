"""How long operators wait: for the first card after /digest, and for /status while a large run goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from benchmarks.bench import PERIOD
from benchmarks.desk.figures import Desk, Waits, Weight
from benchmarks.desk.place import ASKING, EDITOR, Place
from tests.processes import until

POSTS_OF_A_SMALL_BOT = 5
A_CARD_EVERY_S = 1.5
A_STATUS_EVERY_S = 0.45  # three people, each within what one of them may ask
STATUSES_BETWEEN_CARDS = 6
LARGE_RUN_BEGINS_WITHIN_S = 120.0
LARGE = "large"


@dataclass(frozen=True)
class Plan:
    """How much is asked, and in what."""

    small_bots: int
    cards: int
    statuses: int
    large_posts: int
    starts: int


async def add_bots(place: Place, plan: Plan) -> None:
    for slug in _small(plan):
        await place.bench.add_bot(slug, POSTS_OF_A_SMALL_BOT, limit=5)
    await place.bench.add_bot(LARGE, plan.large_posts, limit=10)


async def wait_in_silence(place: Place, plan: Plan, desk: Desk) -> None:
    """/digest while nothing else goes on; the run before it has ended, mostly. Each of another public bot: one whose
    posts were given before is over before its card is there."""
    for slug in _small(plan)[: plan.cards]:
        await place.ask(EDITOR, f"/digest {slug} {PERIOD}")
        await asyncio.sleep(A_CARD_EVERY_S)
    desk.cards.append(Waits(f"{place.bench.database}, nothing else goes on", await place.waits("/digest")))
    await until(lambda: _nothing_goes_on(place), "the end of the small runs")


async def wait_in_a_crowd(place: Place, plan: Plan, desk: Desk) -> None:
    """/status, and now and then /digest of another public bot, from the beginning to the end of a large run."""
    await place.ask(EDITOR, f"/digest {LARGE} {PERIOD}")
    await until(lambda: _goes_on(place, LARGE), "the large run", LARGE_RUN_BEGINS_WITHIN_S)
    await place.waits("/digest")
    slugs, people = iter(_small(plan)[plan.cards :]), cycle(ASKING)
    weights = _Weights(place)
    asked = 0
    while await _goes_on(place, LARGE):
        if asked < plan.statuses:
            await place.ask(next(people), "/status")
        if asked % STATUSES_BETWEEN_CARDS == 0 and (slug := next(slugs, None)):
            await place.ask(EDITOR, f"/digest {slug} {PERIOD}")
        asked += 1
        weights.look()
        await asyncio.sleep(A_STATUS_EVERY_S)
    where = f"{place.bench.database}, {plan.large_posts:,} posts go on"
    desk.statuses.append(Waits(where, await place.waits("/status")))
    desk.cards.append(Waits(where, await place.waits("/digest")))
    await until(lambda: _nothing_goes_on(place), "the end of the small runs")
    weights.look()
    desk.bots.append(Weight(where, weights.bot))
    desk.openai_workers.append(Weight(where, weights.worker))


class _Weights:
    def __init__(self, place: Place) -> None:
        self._bench = place.bench
        self._bot_process = place.bench.installation.python_of("bot")
        self.bot: list[int] = []
        self.worker: list[int] = []

    def look(self) -> None:
        self.bot.append(self._bot_process.memory_info().rss)
        self.worker.append(self._bench.memory_bytes())


def _small(plan: Plan) -> Sequence[str]:
    return [f"small-{number}" for number in range(plan.small_bots)]


async def _goes_on(place: Place, slug: str) -> bool:
    query = (
        "SELECT count(*) FROM runs JOIN public_bots ON public_bots.id = public_bot_id "
        "WHERE slug = :slug AND finished_at IS NULL"
    )
    return await place.bench.rows(query, slug=slug) != [(0,)]


async def _nothing_goes_on(place: Place) -> bool:
    return await place.bench.rows("SELECT count(*) FROM runs WHERE finished_at IS NULL") == [(0,)]
