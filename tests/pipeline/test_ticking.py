"""The tick: what was lost is found, whoever lost it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from pipeline.errors import BrokerUnavailable
from pipeline.ports import PostText
from pipeline.pulse import Pulse, is_dead, owner_name
from pipeline.services import assembling, ticking
from pipeline.services.following import load_progress
from pipeline.services.recovering import STAYS_UNRENEWED
from pipeline.services.starting import Order, ring_for, start_run
from pipeline.services.ticking import LOCAL_ENGINE, LOCAL_ENGINE_HOLD, ROLE, tick
from pipeline.services.working import perform
from pipeline.toolbox import Toolbox
from storage import operators, ringing, run_posts, runs, work, workers
from storage.database import Database
from storage.records import Digest, Engine, Failure, PostStatus, RunState, WorkKind
from storage.work import LEASE
from tests.fakes import FakeModel
from tests.support import NOON, FakeDoorbell, do_all_work, make_posts, make_tools, open_desk

PLACE = owner_name().rsplit(":", 2)[0]


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


async def planned(tools: Toolbox) -> int:
    """A run whose batches wait; its id."""
    started = await start_run(tools, Order("city"))
    async with tools.database.read() as session:
        plan = await work.plan_of(session, started.run.id)
    assert plan is not None
    await perform(tools, WorkKind.PLAN, plan)
    return started.run.id


async def waiting(tools: Toolbox) -> list[tuple[int, ...]]:
    """The batches that wait, by their work's id."""
    async with tools.database.write() as session:
        rings = await ringing.due(session, Engine.CELERY, tools.now(), 1000)
        claims = [await work.claim(session, ring.work_id, "looker", tools.now()) for ring in rings]
        batches = [one.post_ids for one in claims if one is not None]
        for one in claims:
            if one is not None:
                await work.put_off(session, one, tools.now(), reason="only looked at")
    return batches


async def test_a_batch_whose_process_died_is_retried_post_by_post(database: Database) -> None:
    await open_desk(database, make_posts(10))
    tools = make_tools(database)
    run_id = await planned(tools)
    async with database.write() as session:
        first = (await ringing.due(session, Engine.CELERY, NOON, 1))[0].work_id
        assert await work.claim(session, first, "dead", NOON) is not None
    assert await tick(tools, {"dead"})
    assert sorted(len(batch) for batch in await waiting(tools)) == [1, 1, 1, 1, 1, 5]
    ended = await do_all_work(tools, run_id)
    assert ended.run.state is RunState.DONE
    assert ended.count(PostStatus.SUMMARIZED) == 10


async def test_a_lease_that_ran_out_is_taken_back_without_knowing_who_died(database: Database) -> None:
    await open_desk(database, make_posts(3))
    clock = Clock()
    tools = make_tools(database, now=clock)
    await planned(tools)
    async with database.write() as session:
        first = (await ringing.due(session, Engine.CELERY, NOON, 1))[0].work_id
        await work.claim(session, first, "on another host", NOON)
    await tick(tools, ())
    assert await waiting(tools) == []
    clock.pass_s(LEASE.total_seconds() + 1)
    await tick(tools, ())
    assert await waiting(tools) == [], "its owner's clock may differ: whoever lives renews it soon"
    clock.pass_s(STAYS_UNRENEWED.total_seconds())
    await tick(tools, ())
    assert len(await waiting(tools)) == 3


async def test_a_post_that_kills_its_process_is_set_aside_and_the_others_come_through(database: Database) -> None:
    """Every process that is given the poisoned post dies with all it has in hand."""
    await open_desk(database, make_posts(7))
    tools = make_tools(database, FakeModel())
    run_id = await planned(tools)
    deaths = 0
    while True:
        async with database.write() as session:
            rings = await ringing.due(session, Engine.CELERY, NOON, 100)
            claims = [await work.claim(session, ring.work_id, f"life-{deaths}", NOON) for ring in rings]
        in_hand = [one for one in claims if one is not None]
        if any(3 in one.post_ids for one in in_hand):
            await tick(tools, {f"life-{deaths}"})
            deaths += 1
            continue
        async with database.write() as session:
            for one in in_hand:
                await work.put_off(session, one, NOON, reason="handed back")
        if not in_hand:
            break
        for one in in_hand:
            await perform(tools, one.kind, one.id)
    ended = await load_progress(tools, run_id)
    assert deaths <= 4, "in its batch, beside others, and twice alone"
    assert ended.run.state is RunState.DONE
    assert ended.count(PostStatus.SET_ASIDE) == 1
    assert ended.count(PostStatus.SUMMARIZED) == 6


async def test_a_bug_in_the_doing_costs_the_post_and_not_the_run(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def stumble(kind: str, posts: Sequence[PostText]) -> None:
        if any("story 2:" in post.text for post in posts):
            raise ZeroDivisionError("a bug")

    await open_desk(database, make_posts(5))
    tools = make_tools(database, FakeModel(behaviour=stumble))
    started = await start_run(tools, Order("city"))
    ended = await do_all_work(tools, started.run.id)
    assert ended.run.state is RunState.DONE
    assert ended.count(PostStatus.SET_ASIDE) == 1
    assert ended.count(PostStatus.SUMMARIZED) == 4
    ids = [vars(record)["error_id"] for record in caplog.records if record.exc_info]
    async with database.read() as session:
        (fault,) = await operators.untold(session)
        reasons = await run_posts.set_aside_reasons(session, started.run.id)
    assert (fault.message_id, fault.run_id, fault.params) == ("faults.run_bug", started.run.id, {"id": ids[0]})
    assert all(ids[-1] in reason for reason in reasons.values()), "/why tells where the traceback is"


async def test_a_bug_that_ends_a_run_is_told_with_the_id_that_finds_it_in_the_log(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(*_: object) -> Digest:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(assembling, "build_digest", stumble)
    await open_desk(database, make_posts(5))
    tools = make_tools(database)
    started = await start_run(tools, Order("city"))
    ended = await do_all_work(tools, started.run.id)
    found = [record for record in caplog.records if record.exc_info]
    assert ended.run.failure == Failure("run.bug", {"id": vars(found[-1])["error_id"]})


async def test_a_bug_in_moving_a_run_on_is_told_once_and_touches_no_other_run(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await open_desk(database, make_posts(5))
    tools = make_tools(database)
    started = await start_run(tools, Order("city"))

    async def stumble(*_: object) -> int:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(ticking, "advance", stumble)
    for _ in range(3):
        assert await tick(tools, ())
    first = next(record for record in caplog.records if record.exc_info)
    async with database.read() as session:
        (fault,) = await operators.untold(session)
    assert (fault.run_id, fault.params) == (started.run.id, {"id": vars(first)["error_id"]})


async def test_what_nobody_heard_is_rung_for_again(database: Database) -> None:
    await open_desk(database, make_posts(5))
    clock, doorbell = Clock(), FakeDoorbell()
    tools = make_tools(database, now=clock, doorbell=doorbell)
    started = await start_run(tools, Order("city"))
    await ring_for(tools, started.run)
    assert len(doorbell.rings) == 1
    await tick(tools, ())
    assert len(doorbell.rings) == 1, "it has just been rung for"
    clock.pass_s(5)
    doorbell.queue_depths = {"housekeeping": 1}
    await tick(tools, ())
    assert len(doorbell.rings) == 1, "the message is still in the queue"
    doorbell.queue_depths = {}
    await tick(tools, ())
    assert len(doorbell.rings) == 2, "the queue is empty and nobody has claimed it"


async def test_work_that_was_put_off_is_rung_for_when_it_is_due(database: Database) -> None:
    await open_desk(database, make_posts(5))
    clock, doorbell = Clock(), FakeDoorbell()
    tools = make_tools(database, now=clock, doorbell=doorbell)
    await planned(tools)
    async with database.write() as session:
        claimed = await work.claim(session, (await ringing.due(session, Engine.CELERY, NOON, 1))[0].work_id, "me", NOON)
        assert claimed is not None
        await work.put_off(session, claimed, NOON + timedelta(seconds=60), reason="HTTP 429", retries=1)
    doorbell.rings.clear()
    doorbell.queue_depths = {"categorize": 500}
    await tick(tools, ())
    assert doorbell.rings == []
    clock.pass_s(61)
    await tick(tools, ())
    assert [ring.work_id for ring in doorbell.rings] == [claimed.id]


async def test_a_broker_that_is_away_stops_no_tick(database: Database) -> None:
    await open_desk(database, make_posts(5))
    clock, doorbell = Clock(), FakeDoorbell()
    tools = make_tools(database, now=clock, doorbell=doorbell)
    run_id = await planned(tools)
    doorbell.unreachable = BrokerUnavailable("away")
    clock.pass_s(60)
    assert await tick(tools, ())
    assert (await load_progress(tools, run_id)).run.state is RunState.CATEGORIZING


async def test_a_claim_that_is_renewed_by_a_clock_far_behind_stays_with_its_owner(database: Database) -> None:
    await open_desk(database, make_posts(5))
    clock = Clock()
    tools = make_tools(database, now=clock)
    await planned(tools)
    async with database.write() as session:
        (ring,) = await ringing.due(session, Engine.CELERY, NOON, 10)
        assert await work.claim(session, ring.work_id, "elsewhere", NOON - timedelta(hours=1)) is not None
    for seconds in range(0, 100, 5):
        async with database.write() as session:
            late = NOON - timedelta(hours=1) + timedelta(seconds=seconds // 10 * 10)
            await work.renew(session, "elsewhere", {ring.work_id}, late)
        await tick(tools, ())
        clock.pass_s(5)
    assert await waiting(tools) == []


async def test_the_tick_goes_over_at_once_from_a_process_that_is_known_to_be_dead(database: Database) -> None:
    died, lives = make_tools(database), make_tools(database)
    assert await tick(died, ())
    assert await tick(lives, {died.owner})


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the lease tells")
async def test_a_process_that_died_with_the_tick_and_nothing_else_is_found_out(database: Database) -> None:
    died = make_tools(database, owner=f"{PLACE}:4194303:abcd")
    assert await tick(died, ())
    lives = make_tools(database)
    pulse = Pulse(lives, None)
    await pulse._tick()
    async with database.read() as session:
        assert await workers.role_holder(session, ROLE) == lives.owner


async def test_one_process_ticks_at_a_time(database: Database) -> None:
    first, second = make_tools(database), make_tools(database)
    assert await tick(first, ())
    assert not await tick(second, ())
    assert await tick(first, ())


@pytest.mark.parametrize(
    ("owner", "dead"),
    [
        ("another-host/12345678:4194303:abcd", False),
        (PLACE.partition("/")[0] + "/12345678:4194303:abcd", False),
        (f"{PLACE}:{os.getpid()}:an-earlier-life", True),
        (f"{PLACE}:4194303:abcd", True),
        (f"{PLACE}:1:abcd", False),
    ],
    ids=["another host", "another machine or container of that name", "our process id", "no process", "one that lives"],
)
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the lease tells")
def test_who_is_known_to_be_dead(owner: str, dead: bool) -> None:
    assert is_dead(owner, me=owner_name()) is dead


async def test_a_run_that_lost_its_local_engine_goes_over_to_the_workers(database: Database) -> None:
    await open_desk(database, make_posts(5))
    clock = Clock()
    local = make_tools(database, now=clock, has_local_engine=True)
    run_id = await planned(local)
    async with database.write() as session:
        await runs.switch_engine(session, run_id, Engine.LOCAL, "broker_lost")
        await workers.take_role(session, LOCAL_ENGINE, local.owner, clock(), LOCAL_ENGINE_HOLD)
    worker = make_tools(database, now=clock)
    await tick(worker, ())
    assert (await load_progress(worker, run_id)).run.engine is Engine.LOCAL
    clock.pass_s(LOCAL_ENGINE_HOLD.total_seconds() + 1)
    await tick(worker, ())
    assert (await load_progress(worker, run_id)).run.engine is Engine.CELERY
    assert (await do_all_work(worker, run_id)).run.state is RunState.DONE


async def test_a_database_that_fails_while_work_is_saved_costs_seconds(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_desk(database, make_posts(5))
    clock = Clock()
    tools = make_tools(database, now=clock)
    run_id = await planned(tools)

    async def fail(*_: object, **__: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("database is locked"))

    with monkeypatch.context() as broken:
        broken.setattr("pipeline.services.saving.PATIENCE_S", 0.0)
        broken.setattr("storage.work.finish", fail)
        broken.setattr("storage.work.put_off", fail)
        await do_all_work(tools, run_id)
    assert tools.in_hand == set()
    clock.pass_s(LEASE.total_seconds() + 1)
    await tick(tools, ())
    clock.pass_s(STAYS_UNRENEWED.total_seconds())
    await tick(tools, ())
    ended = await do_all_work(tools, run_id)
    assert ended.run.state is RunState.DONE
    assert ended.count(PostStatus.SUMMARIZED) == 5


async def test_work_that_is_cancelled_is_handed_back_at_once(database: Database) -> None:
    await open_desk(database, make_posts(5))
    tools = make_tools(database, FakeModel(latency_s=60))
    await planned(tools)
    async with database.read() as session:
        (ring,) = await ringing.due(session, Engine.CELERY, NOON, 10)
    task = asyncio.create_task(perform(tools, ring.kind, ring.work_id))
    while not tools.in_hand:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await waiting(tools) == [(5, 4, 3, 2, 1)], "the whole batch, not post by post"
