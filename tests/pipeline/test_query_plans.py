"""What a desk asks again and again takes as long after years as on its first day: nothing reads a growing table whole.

The plans are SQLite's. It makes them from the indexes alone, so that those of an empty desk are those of an old one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from pipeline.services.following import load_progress
from pipeline.services.observing import _stored
from pipeline.services.overview import load_overview, load_sources, someone_works_on
from pipeline.services.planning import plan
from pipeline.services.starting import Order, start_run
from pipeline.services.ticking import tick
from pipeline.toolbox import Toolbox
from storage import cards, operators, posts, ringing, run_posts, runs, sources, subscribers, work
from storage.database import Database
from storage.models import PostRow, RunRow
from storage.records import Engine
from tests.plans import noted, whole_reads
from tests.support import NOON, do_all_work, make_posts, make_tools, open_bot


@dataclass(frozen=True)
class Desk:
    """A public bot with readers, and a run that was made and delivered, with its card."""

    tools: Toolbox
    run_id: int


@pytest.fixture
async def desk(database: Database) -> Desk:
    tools = make_tools(database)
    await open_bot(database, make_posts(12), readers=(1, 2, 3))
    started = await start_run(tools, Order("city", chat_id=7, message_id=1))
    await do_all_work(tools, started.run.id)
    return Desk(tools, started.run.id)


async def make_a_digest(desk: Desk) -> None:
    """All of it: planned, categorized, selected, summarized, assembled, delivered."""
    started = await start_run(desk.tools, Order("city", "3d", chat_id=7, message_id=2))
    await do_all_work(desk.tools, started.run.id)


async def plan_a_run(desk: Desk) -> None:
    started = await start_run(desk.tools, Order("city", "3d"))
    async with desk.tools.database.read() as session:
        work_id = await work.plan_of(session, started.run.id)
    assert work_id is not None
    await plan(desk.tools, work_id)


async def tick_once(desk: Desk) -> None:
    await start_run(desk.tools, Order("city", "3d"))
    assert await tick(desk.tools, {"a dead process"})


async def tell_the_status(desk: Desk) -> None:
    await load_overview(desk.tools)
    await load_progress(desk.tools, desk.run_id)
    await load_sources(desk.tools)


async def look_at_cards(desk: Desk) -> None:
    async with desk.tools.database.read() as session:
        await cards.unannounced(session)
        await operators.untold(session)
        await subscribers.unasked(session)
    await someone_works_on(desk.tools, desk.run_id)


async def ask_for_work(desk: Desk) -> None:
    """As a local engine does, and the tick for it."""
    async with desk.tools.database.read() as session:
        await ringing.due(session, Engine.LOCAL, NOON, 100)
        await work.abandoned(session, NOON, {"a dead process"})
        await work.owners(session)


async def store_posts(desk: Desk) -> None:
    async with desk.tools.database.write() as session:
        await posts.store(session, 1, make_posts(20), NOON)
        await sources.count(session)


async def look_where_posts_went(desk: Desk) -> None:
    async with desk.tools.database.read() as session:
        assert await run_posts.fates(session, desk.run_id)


async def be_watched(desk: Desk) -> None:
    """By whatever scrapes the metrics."""
    await _stored(desk.tools)


WAYS: dict[Callable[[Desk], Awaitable[None]], set[str]] = {
    make_a_digest: {"posts", "given_posts", "runs", "run_posts", "work", "model_calls", "model_answers", "digests",
                    "deliveries", "cards"},
    plan_a_run: {"posts", "given_posts", "runs", "run_posts", "work"},
    tick_once: {"runs", "work", "deliveries", "slots"},
    tell_the_status: {"runs", "run_posts", "work", "model_calls", "deliveries", "digests", "sources", "posts"},
    look_at_cards: {"cards", "work", "faults", "subscribers"},
    ask_for_work: {"work", "runs"},
    store_posts: {"posts", "sources"},
    look_where_posts_went: {"posts", "run_posts"},
    be_watched: {"runs", "work", "deliveries", "digests"},
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_nothing_that_is_asked_often_reads_a_growing_table_whole(
    desk: Desk, way: Callable[[Desk], Awaitable[None]]
) -> None:
    with noted(desk.tools.database) as asked:
        await way(desk)
    assert asked.tables() >= WAYS[way], "the way has not gone where it was to be watched"
    assert whole_reads(desk.tools.database, asked) == []


async def test_reading_a_table_whole_is_noticed(desk: Desk) -> None:
    """Whole, by an index that orders it, and by an index of which every row has the same value."""
    queries = (
        select(PostRow.id).where(PostRow.text == "a text"),
        select(PostRow.id).where(PostRow.published_at == NOON),
        select(RunRow.id).where(RunRow.state == "done"),
    )
    for query in queries:
        with noted(desk.tools.database) as asked:
            async with desk.tools.database.read() as session:
                await session.execute(query)
        assert len(whole_reads(desk.tools.database, asked)) == 1, str(query)


async def test_asking_by_an_index_is_not_taken_for_reading_whole(desk: Desk) -> None:
    with noted(desk.tools.database) as asked:
        async with desk.tools.database.read() as session:
            await session.execute(select(PostRow.text).where(PostRow.source_id == 1, PostRow.external_id == "1"))
    assert asked.tables() == {"posts"}
    assert whole_reads(desk.tools.database, asked) == []


async def test_runs_that_go_on_are_found_by_an_index(desk: Desk) -> None:
    with noted(desk.tools.database) as asked:
        async with desk.tools.database.read() as session:
            await runs.going_on(session)
    assert asked.tables() >= {"runs"}
    assert whole_reads(desk.tools.database, asked) == []
