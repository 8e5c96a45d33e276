"""Who is in company while a model is asked, and who is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from pipeline.ports import PostText
from pipeline.services.starting import Order, start_run
from pipeline.services.working import perform
from pipeline.toolbox import Toolbox
from storage import ringing, work
from storage.database import Database
from storage.records import Engine, PostStatus, WorkKind
from tests.fakes import FakeModel
from tests.support import NOON, do_all_work, make_posts, make_settings, make_tools, open_desk


class SlowModel:
    """Holds every call until it is let go, and knows what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go_on = asyncio.Event()
        self.most_at_once = 0
        self._now = 0

    async def __call__(self, kind: str, posts: Sequence[PostText]) -> None:
        self.asked += [post.text for post in posts]
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        await self.go_on.wait()
        self._now -= 1

    async def is_asked(self, number: int) -> None:
        await wait(lambda: len(self.asked) >= number)


async def wait(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def single_posts(tools: Toolbox, suspects: int) -> tuple[int, list[int]]:
    """A run whose posts are work of their own; the first `suspects` of them have killed a process. Run, work ids."""
    run = (await start_run(tools, Order("city"))).run
    async with tools.database.read() as session:
        plan = await work.plan_of(session, run.id)
    assert plan is not None
    await perform(tools, WorkKind.PLAN, plan)
    async with tools.database.write() as session:
        ids = [ring.work_id for ring in await ringing.due(session, Engine.CELERY, NOON, 100)]
        for work_id in ids[:suspects]:
            claimed = await work.claim(session, work_id, "dead", NOON)
            assert claimed is not None
            await work.take_back(session, claimed, NOON, crashes=1)
    return run.id, ids


async def test_what_has_killed_a_process_waits_until_nothing_else_is_asked_for(database: Database) -> None:
    """Else nobody would know, when the process dies, which of them killed it."""
    await open_desk(database, make_posts(3, word="Parks"))
    behaviour = SlowModel()
    tools = make_tools(database, FakeModel(behaviour), settings=make_settings(digest={"batch_size": 1}))
    run_id, (suspect, *others) = await single_posts(tools, suspects=1)
    first = asyncio.create_task(perform(tools, WorkKind.CATEGORIZE, others[0]))
    await behaviour.is_asked(1)
    alone = asyncio.create_task(perform(tools, WorkKind.CATEGORIZE, suspect))
    await wait(lambda: len(tools.solitude._waiting) == 1)
    after = asyncio.create_task(perform(tools, WorkKind.CATEGORIZE, others[1]))
    await wait(lambda: len(tools.solitude._waiting) == 2)
    assert len(behaviour.asked) == 1, "the suspect and who came after it wait"
    behaviour.go_on.set()
    await asyncio.gather(first, alone, after)
    assert behaviour.most_at_once == 1
    oldest_first = [f"Parks story {number}: a tram on line {number} was repaired." for number in (3, 2, 1)]
    assert behaviour.asked == [oldest_first[1], oldest_first[0], oldest_first[2]]
    ended = await do_all_work(tools, run_id)
    assert ended.count(PostStatus.SUMMARIZED) == 3


async def test_who_is_stopped_while_it_waits_to_be_alone_keeps_nobody_out(database: Database) -> None:
    await open_desk(database, make_posts(3))
    behaviour = SlowModel()
    tools = make_tools(database, FakeModel(behaviour), settings=make_settings(digest={"batch_size": 1}))
    _, (suspect, *others) = await single_posts(tools, suspects=1)
    first = asyncio.create_task(perform(tools, WorkKind.CATEGORIZE, others[0]))
    await behaviour.is_asked(1)
    waiting = asyncio.create_task(perform(tools, WorkKind.CATEGORIZE, suspect))
    await wait(lambda: len(tools.solitude._waiting) == 1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    second = asyncio.create_task(perform(tools, WorkKind.CATEGORIZE, others[1]))
    await behaviour.is_asked(2)
    behaviour.go_on.set()
    await asyncio.gather(first, second)
    assert behaviour.most_at_once == 2
