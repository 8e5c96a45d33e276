"""A run whose pieces of work are done one after another in this process, each counted alone."""

from __future__ import annotations

from collections.abc import Sequence
from unittest.mock import patch

from pipeline.ports import Limiter
from pipeline.services import bite
from pipeline.services.advancing import advance
from pipeline.services.starting import Order, start_run
from pipeline.services.working import perform
from storage import ringing
from storage.database import Database
from storage.records import Engine, Ring, WorkKind
from tests.counting.statements import Count, counting
from tests.fakes import FakeModel
from tests.support import make_posts, make_settings, make_spec, make_tools, open_bot

CHOSEN = 10
ONE_LANE = {"messages_per_second": 12}
MOST_PIECES = 1000


class WatchedRun:
    """A run of a new public bot over so many fresh posts, of which ten are chosen, for so many chats.

    `pieces` are the counts of its work, in the order in which it was done.
    """

    def __init__(self, database: Database, *, posts: int, readers: int = 0, limiter: Limiter | None = None) -> None:
        self._database = database
        self._slug = f"bot-{posts}-{readers}"
        self._posts = make_posts(posts, word=f"Transport {self._slug}")
        self._readers = range(1, readers + 1)
        self.model = FakeModel()
        self._tools = make_tools(database, self.model, settings=make_settings(delivery=ONE_LANE), limiter=limiter)
        self.pieces: list[tuple[WorkKind, Count]] = []

    async def plan(self) -> None:
        """Start it, and do its planning."""
        spec = make_spec(self._slug, sources=(self._slug,), max_posts_per_digest=CHOSEN)
        await open_bot(self._database, self._posts, self._readers, spec)
        self._run_id = (await start_run(self._tools, Order(self._slug))).run.id
        await self._do(await self._due())

    async def advance(self) -> Count:
        """Try to move it on."""
        with counting(self._database) as count:
            await advance(self._tools, self._run_id)
        return count

    async def finish(self) -> None:
        """Do whatever is due, until nothing is."""
        while due := await self._due():
            await self._do(due)
            assert len(self.pieces) < MOST_PIECES, "the run does not come to its end"

    def of(self, kind: WorkKind) -> Sequence[Count]:
        return [count for one, count in self.pieces if one is kind]

    @property
    def whole(self) -> Count:
        """All of them together."""
        counts = [count for _, count in self.pieces]
        return Count([one for count in counts for one in count.transactions], sum(count.turns for count in counts))

    async def _do(self, rings: Sequence[Ring]) -> None:
        with patch.object(bite, "SHOW_EVERY_S", float("inf")):  # how far a delivery is, is shown by the clock
            for ring in rings:
                with counting(self._database) as count:
                    await perform(self._tools, ring.kind, ring.work_id)
                self.pieces.append((ring.kind, count))

    async def _due(self) -> Sequence[Ring]:
        async with self._database.read() as session:
            rings = await ringing.due(session, Engine.CELERY, self._tools.now(), MOST_PIECES)
        return sorted((ring for ring in rings if ring.run_id == self._run_id), key=lambda ring: ring.work_id)
