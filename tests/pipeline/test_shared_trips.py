"""Batches of one run that come to the same point at the same time: they share their trips, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from sqlalchemy import text

from pipeline.ports import PostText
from pipeline.services.starting import Order, start_run
from pipeline.services.working import perform
from pipeline.toolbox import Toolbox
from storage import ringing, work
from storage.database import Database
from storage.records import Engine, WorkKind
from tests.counting.statements import counting
from tests.fakes import FakeModel
from tests.support import make_posts, make_spec, make_tools, open_desk

BATCHES, SIZE = 8, 5
ALONE, ADVANCE = 11, 20  # statements of a batch, and of what comes after the last one: see tests/counting/budget.py


class Together:
    """How a model behaves that answers nobody before it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.go_on = asyncio.Event()

    async def __call__(self, kind: str, posts: Sequence[PostText]) -> None:
        self.asked += 1
        await self.go_on.wait()

    async def all_are_asked(self) -> None:
        async with asyncio.timeout(10):
            while self.asked < BATCHES:
                await asyncio.sleep(0.005)


async def planned(database: Database, model: Together) -> tuple[Toolbox, list[int]]:
    """A run with eight batches to categorize, and the ids of this work."""
    await open_desk(database, make_posts(BATCHES * SIZE), make_spec(batch_size=SIZE))
    tools = make_tools(database, FakeModel(model))
    run = (await start_run(tools, Order("city"))).run
    async with database.read() as session:
        plan = await work.plan_of(session, run.id)
    assert plan is not None
    await perform(tools, WorkKind.PLAN, plan)
    async with database.read() as session:
        ids = [ring.work_id for ring in await ringing.due(session, Engine.CELERY, tools.now(), 100)]
    assert len(ids) == BATCHES
    return tools, ids


async def categorize(tools: Toolbox, work_ids: Sequence[int]) -> None:
    await asyncio.gather(*(perform(tools, WorkKind.CATEGORIZE, work_id) for work_id in work_ids))


async def states_of(database: Database) -> Mapping[object, object]:
    return dict(await rows(database, "SELECT id, state FROM work WHERE kind = 'categorize_posts'"))


async def calls_by_work(database: Database) -> Mapping[object, object]:
    return dict(await rows(database, "SELECT work_id, count(*) FROM model_calls GROUP BY work_id"))


async def rows(database: Database, query: str) -> list[tuple[object, object]]:
    async with database.read() as session:
        return [(row[0], row[-1]) for row in await session.execute(text(query))]


async def test_eight_batches_ask_about_as_much_as_one(any_database: Database) -> None:
    model = Together()
    tools, work_ids = await planned(any_database, model)

    with counting(any_database) as count:
        doing = asyncio.ensure_future(categorize(tools, work_ids))
        await model.all_are_asked()
        model.go_on.set()
        await doing

    assert count.statements <= ADVANCE + 3 * ALONE < BATCHES * ALONE, str(count)
    assert await calls_by_work(any_database) == dict.fromkeys(work_ids, 1)
    assert await states_of(any_database) == dict.fromkeys(work_ids, "done")


async def test_who_has_lost_its_claim_loses_its_own_answer_alone(any_database: Database) -> None:
    model = Together()
    tools, work_ids = await planned(any_database, model)
    doing = asyncio.ensure_future(categorize(tools, work_ids))
    await model.all_are_asked()
    async with any_database.write() as session:
        await session.execute(text(f"UPDATE work SET fence = fence + 1 WHERE id = {work_ids[3]}"))

    model.go_on.set()
    await doing

    assert await states_of(any_database) == dict.fromkeys(work_ids, "done") | {work_ids[3]: "claimed"}
    waiting = await rows(any_database, "SELECT post_id FROM run_posts WHERE status = 'fresh'")
    assert len(waiting) == SIZE
    assert await calls_by_work(any_database) == dict.fromkeys(work_ids, 1), "what was asked is paid for"


async def test_work_that_is_rung_for_twice_at_once_is_done_once(any_database: Database) -> None:
    model = Together()
    tools, work_ids = await planned(any_database, model)
    doing = asyncio.ensure_future(categorize(tools, [*work_ids, *work_ids]))
    await model.all_are_asked()

    model.go_on.set()
    await doing

    assert model.asked == BATCHES
    assert await states_of(any_database) == dict.fromkeys(work_ids, "done")


@pytest.mark.parametrize("turns", [2, 4, 6, 8, 12])
async def test_who_is_stopped_while_saving_with_others_is_saved_or_handed_back(
    any_database: Database, turns: int
) -> None:
    """And what was asked for it is written down once."""
    model = Together()
    tools, work_ids = await planned(any_database, model)
    doing = {work_id: asyncio.ensure_future(categorize(tools, [work_id])) for work_id in work_ids}
    await model.all_are_asked()
    model.go_on.set()
    for _ in range(turns):
        await asyncio.sleep(0)

    for work_id in work_ids[::2]:
        doing[work_id].cancel()
    await asyncio.gather(*doing.values(), return_exceptions=True)

    states = await states_of(any_database)
    assert {states[work_id] for work_id in work_ids[1::2]} == {"done"}
    assert {states[work_id] for work_id in work_ids[::2]} <= {"done", "pending"}
    calls = await calls_by_work(any_database)
    assert set(calls.values()) == {1}
    assert {work_id for work_id, state in states.items() if state == "done"} <= calls.keys()
