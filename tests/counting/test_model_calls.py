"""How often the model is asked in a run: once for every five posts, and once for every five that are chosen."""

from __future__ import annotations

from math import ceil

import pytest

from pipeline.services.starting import Order, start_run
from storage.database import Database
from tests.counting.watched_run import CHOSEN, WatchedRun
from tests.fakes import FakeModel
from tests.support import do_all_work, make_posts, make_tools, open_desk

BATCH = 5


@pytest.mark.parametrize("posts", [1, 5, 6, 23])
async def test_a_run_makes_one_call_for_each_batch(database: Database, posts: int) -> None:
    run = WatchedRun(database, posts=posts)
    await run.plan()
    await run.finish()
    asked = [(kind, len(texts)) for kind, texts in run.model.calls]
    assert [kind for kind, _ in asked].count("categorize") == ceil(posts / BATCH)
    assert [kind for kind, _ in asked].count("summarize") == ceil(min(posts, CHOSEN) / BATCH)
    assert len(asked) == ceil(posts / BATCH) + ceil(min(posts, CHOSEN) / BATCH)
    assert sum(number for kind, number in asked if kind == "categorize") == posts


async def test_a_second_run_over_the_same_posts_makes_none(database: Database) -> None:
    await open_desk(database, make_posts(12))
    model = FakeModel()
    tools = make_tools(database, model)
    for _ in range(2):
        run = (await start_run(tools, Order("city", period="24h", deliver=False))).run
        ended = await do_all_work(tools, run.id)
        asked, model.calls = model.calls, []
    assert asked == []
    assert ended.model_calls == 0
