"""The engine inside the bot's process, stopped as SIGTERM stops it and started again by the next process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pipeline.local_engine import LocalEngine
from pipeline.ports import PostText
from pipeline.pulse import Pulse
from pipeline.services.following import load_progress
from pipeline.services.starting import Order, ring_for, start_run
from pipeline.services.ticking import tick
from pipeline.wiring import Process, local_engine, utc_now
from storage import ringing, work
from storage.database import Database
from storage.records import Engine, PostStatus, RunState
from tests.fakes import FakeModel
from tests.processes import until
from tests.support import make_posts, make_settings, make_tools, open_desk


async def test_a_stop_hands_back_what_is_in_hand_and_the_next_process_goes_on_with_it_at_once(
    database: Database,
) -> None:
    asked = asyncio.Event()

    async def never_answer(kind: str, posts: Sequence[PostText]) -> None:
        asked.set()
        await asyncio.Event().wait()

    await open_desk(database, make_posts(5))
    settings = make_settings(engine={"mode": "local"})
    tools = make_tools(
        database, FakeModel(behaviour=never_answer), settings=settings, has_local_engine=True, now=utc_now
    )
    started = await start_run(tools, Order("city", "2026-11-02..2026-11-03"))
    await ring_for(tools, started.run)
    engine = LocalEngine(tools, asyncio.Event())
    engine.start()
    await asyncio.wait_for(asked.wait(), 30)
    await engine.stop()
    async with database.read() as session:
        (waiting,) = await ringing.due(session, Engine.LOCAL, utc_now(), limit=10)
        assert waiting.run_id == started.run.id
        assert not await work.owners(session), "nobody has to wait for a lease to run out"

    next_tools = make_tools(database, FakeModel(), settings=settings, has_local_engine=True, now=utc_now)
    next_engine = LocalEngine(next_tools, asyncio.Event())
    next_engine.start()

    async def is_done() -> bool:
        return (await load_progress(next_tools, started.run.id)).run.state is RunState.DONE

    await until(is_done, "the end of the run")
    await next_engine.stop()
    assert (await load_progress(next_tools, started.run.id)).count(PostStatus.SUMMARIZED) == 5


async def test_no_worker_takes_a_run_away_from_a_process_that_has_just_begun(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pulse, "start", lambda pulse: None)  # its loops have come to nothing yet
    await open_desk(database, make_posts(5))
    settings = make_settings(engine={"mode": "local"})
    tools = make_tools(database, settings=settings, has_local_engine=True, now=utc_now)
    worker = make_tools(database, owner="host/boot.space:1:other", now=utc_now)
    async with local_engine(Process(tools, asyncio.Event())):
        started = await start_run(tools, Order("city", "2026-11-02..2026-11-03"))
        await tick(worker, [])
        assert (await load_progress(tools, started.run.id)).run.engine is Engine.LOCAL
