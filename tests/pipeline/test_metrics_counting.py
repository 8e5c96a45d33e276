"""What is counted is true: once, when it has been committed, by whoever did it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from pipeline.adapters.local_model_gate import LocalModelGate
from pipeline.errors import BatchRefused, ForPeople, Migrated, Retryable, Uncertain, Unreachable
from pipeline.local_engine import LocalEngine
from pipeline.meter import CallOutcome, Fate, Limited, TaskOutcome, TickAction
from pipeline.ports import Limits, PostText, Usage
from pipeline.services.advancing import advance, fail_run
from pipeline.services.publishing import resend_uncertain
from pipeline.services.starting import Order, cancel_run, start_run
from pipeline.services.ticking import tick
from pipeline.services.working import SERVICES, perform
from pipeline.toolbox import Toolbox
from storage import ringing, runs, work
from storage.database import Database
from storage.records import Actor, Engine, Failure, PostStatus, RunState, Unreached, WorkKind
from tests.fakes import Carried, FakeCouriers, FakeModel
from tests.meters import RecordingMeter, counted
from tests.processes import until
from tests.support import (
    NOON,
    do_all_work,
    make_posts,
    make_provider,
    make_settings,
    make_spec,
    make_tools,
    open_bot,
    open_desk,
)

ANNA = Actor(7, "Anna")


@pytest.fixture(autouse=True)
def no_waiting_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clocks here stand still while something waits."""
    monkeypatch.setattr("pipeline.services.asking.LONGEST_WAIT_IN_PLACE_S", 0.05)
    monkeypatch.setattr("pipeline.services.bite.SHORT_WAIT_S", 0.0)


@pytest.fixture
def meter() -> RecordingMeter:
    return RecordingMeter()


async def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    async with database.read() as session:
        return [tuple(row) for row in await session.execute(text(query))]


async def started(tools: Toolbox) -> int:
    return (await start_run(tools, Order("city"))).run.id


async def test_a_run_is_counted_once_at_its_end_with_its_posts(any_database: Database, meter: RecordingMeter) -> None:
    await open_desk(any_database, [*make_posts(12), *make_posts(3, word="Gossip", start=50), *make_posts(1)])
    tools = counted(make_tools(any_database), meter)
    run_id = await started(tools)
    assert not meter.runs
    ended = await do_all_work(tools, run_id, times=2)
    await advance(tools, run_id)
    await tick(tools, ())
    assert meter.runs == {("city", RunState.DONE): 1}
    assert meter.posts == {("city", status): number for status, number in ended.posts.items()}
    assert sum(meter.posts.values()) == 15


async def test_of_several_who_end_a_run_at_the_same_time_only_one_counts(
    any_database: Database, meter: RecordingMeter
) -> None:
    await open_desk(any_database, make_posts(2))
    tools = counted(make_tools(any_database), meter)
    run_id = await started(tools)

    async def fail() -> bool:
        async with tools.database.write() as session:
            return await fail_run(session, run_id, Failure("run.all_set_aside"), NOON)

    won = [*await asyncio.gather(*(fail() for _ in range(5))), await cancel_run(tools, run_id, ANNA)]
    assert sum(map(bool, won)) == 1 == sum(meter.runs.values())
    assert meter.runs == {("city", RunState.FAILED): 1}


async def test_a_run_whose_end_was_not_committed_is_not_counted(any_database: Database, meter: RecordingMeter) -> None:
    await open_desk(any_database, make_posts(2))
    tools = counted(make_tools(any_database), meter)
    run_id = await started(tools)
    with pytest.raises(LookupError):
        async with tools.database.write() as session:
            assert await runs.cancel(session, run_id, 7, NOON)
            raise LookupError("something else failed")
    assert not meter.runs
    assert await cancel_run(tools, run_id, ANNA)
    assert meter.runs == {("city", RunState.CANCELLED): 1}


async def test_the_duration_is_from_the_order_to_the_end(database: Database, meter: RecordingMeter) -> None:
    await open_desk(database, make_posts(2))
    moments = iter(NOON + timedelta(seconds=number) for number in range(10_000))
    tools = counted(make_tools(database, now=lambda: next(moments)), meter)
    ended = await do_all_work(tools, await started(tools))
    assert ended.run.finished_at is not None
    assert meter.run_seconds == [(ended.run.finished_at - ended.run.created_at).total_seconds()]


@pytest.mark.parametrize("is_early", [False, True])
async def test_a_run_that_delivers_once_more_is_not_counted_twice(
    database: Database, meter: RecordingMeter, is_early: bool
) -> None:
    trouble = {2: Uncertain("cut off"), 3: Retryable("away") if is_early else None}
    couriers = FakeCouriers(trouble=lambda carried: trouble.get(carried.chat_id))
    await open_bot(database, make_posts(2), (1, 2, 3))
    clock = [NOON]
    tools = counted(make_tools(database, couriers=couriers, now=lambda: clock[0]), meter)
    run_id = await started(tools)
    ended = await do_all_work(tools, run_id)
    assert ended.run.state is (RunState.DELIVERING if is_early else RunState.DONE)
    trouble.clear()
    assert await resend_uncertain(tools, run_id, ANNA) == 1
    clock[0] += timedelta(minutes=1)
    assert (await do_all_work(tools, run_id)).run.state is RunState.DONE
    assert meter.runs == {("city", RunState.DONE): 1}
    assert meter.posts == {("city", PostStatus.SUMMARIZED): 2}


def turns(*errors: Exception | None) -> FakeModel:
    """A model whose calls meet these errors one after the other, and then none."""
    waiting = list(errors)

    async def behaviour(kind: str, posts: Sequence[PostText]) -> None:
        if waiting and (error := waiting.pop(0)) is not None:
            raise error

    return FakeModel(behaviour)


async def test_every_call_of_the_model_is_counted_as_it_is_stored(database: Database, meter: RecordingMeter) -> None:
    used = Usage(70, 0, 3)
    model = turns(
        BatchRefused("content filter", used),
        Retryable("overloaded", usage=used),
        Retryable("slow down", after_s=2.0),
        ForPeople("model.key_refused"),
    )
    await open_desk(database, make_posts(4))
    clock = [NOON]
    gate = LocalModelGate(Limits(), clock=lambda: clock[0].timestamp())
    providers = (make_provider(model, gate),)
    tools = counted(make_tools(database, providers=providers, now=lambda: clock[0]), meter)
    run_id = await started(tools)
    for _ in range(10):
        await do_all_work(tools, run_id)
        clock[0] += timedelta(seconds=31)
    stored = await rows(database, "SELECT outcome, input_tokens, output_tokens FROM model_calls ORDER BY id")
    assert [(call.outcome, call.input_tokens, call.output_tokens) for _, call, _ in meter.calls] == stored
    assert {slug for slug, _, _ in meter.calls} == {"city"}
    outcomes = meter.outcomes
    once = (CallOutcome.REFUSED, CallOutcome.FAILED, CallOutcome.TOLD_TO_WAIT, CallOutcome.BLOCKED)
    assert [outcomes[one] for one in once] == [1, 1, 1, 1]
    assert outcomes[CallOutcome.OK] == len(stored) - 4 > 0
    assert meter.runs == {("city", RunState.DONE): 1}


async def test_what_a_call_has_cost_is_counted_even_where_its_answer_is_lost(
    database: Database, meter: RecordingMeter
) -> None:
    """The run is cancelled while the model thinks."""
    await open_desk(database, make_posts(2))
    model = FakeModel()
    tools = counted(make_tools(database, model), meter)
    run_id = await started(tools)

    async def cancel(kind: str, posts: Sequence[PostText]) -> None:
        await cancel_run(tools, run_id, ANNA)

    model.behaviour = cancel
    await do_all_work(tools, run_id)
    assert meter.outcomes == {CallOutcome.OK: 1}
    assert meter.tasks["categorize_posts", TaskOutcome.LOST] == 1
    assert meter.runs == {("city", RunState.CANCELLED): 1}
    assert meter.posts == {("city", PostStatus.DROPPED): 2}


async def test_every_message_to_a_reader_is_counted_by_its_fate(any_database: Database, meter: RecordingMeter) -> None:
    trouble = {
        2: Unreachable("bot was blocked by the user", Unreached.BLOCKED),
        3: Unreachable("something new", Unreached.REFUSED),
        4: Uncertain("cut off"),
        5: Retryable("connection refused"),
        -6: Migrated(-1006),
    }
    couriers = FakeCouriers(trouble=lambda carried: trouble.pop(carried.chat_id, None))
    await open_bot(any_database, make_posts(2), (1, 2, 3, 4, 5, -6))
    clock = [NOON]
    tools = counted(make_tools(any_database, couriers=couriers, now=lambda: clock[0]), meter)
    run_id = await started(tools)
    await do_all_work(tools, run_id)
    clock[0] += timedelta(minutes=1)
    ended = await do_all_work(tools, run_id)
    assert ended.run.state is RunState.DONE
    expected = {Fate.SENT: 3, Fate.UNREACHABLE: 1, Fate.REFUSED: 1, Fate.UNCERTAIN: 1, Fate.PUT_OFF: 2}
    assert meter.fates == {("city", fate): number for fate, number in expected.items()}
    states = "SELECT state, count(*) FROM deliveries GROUP BY state"
    assert dict(await rows(any_database, states)) == {"sent": 3, "failed": 2, "unknown": 1}
    assert Limited.TELEGRAM in {limited for limited, _ in meter.waits}
    assert Limited.MODEL in {limited for limited, _ in meter.waits}


async def test_a_message_that_a_killed_process_had_on_its_way_is_counted_as_uncertain(
    database: Database, meter: RecordingMeter
) -> None:
    await open_bot(database, make_posts(2), (1, 2))
    tools = counted(make_tools(database), meter)
    run_id = await started(tools)

    class Killed(BaseException):
        pass

    def die(carried: Carried) -> Exception | None:
        raise Killed

    tools.couriers.trouble = die  # type: ignore[attr-defined]
    with pytest.raises(Killed):
        await do_all_work(tools, run_id)
    tools.couriers.trouble = lambda carried: None  # type: ignore[attr-defined]
    assert await tick(tools, {tools.owner})
    await do_all_work(tools, run_id)
    assert meter.fates == {("city", Fate.UNCERTAIN): 2}
    assert meter.actions[TickAction.TAKEN_BACK] == 1


async def test_what_ticks_do_is_counted(database: Database, meter: RecordingMeter) -> None:
    await open_desk(database, make_posts(12), make_spec(schedule="0 12 * * *"))
    clock = [NOON]
    tools = counted(make_tools(database, now=lambda: clock[0]), meter)
    async with database.write() as session:
        await session.execute(text("UPDATE public_bots SET schedule_since = '2026-11-01 00:00:00.000000'"))
    await tick(tools, ())
    assert len(await rows(database, "SELECT id FROM runs")) == 1
    assert meter.actions == {TickAction.STARTED: 1, TickAction.ADVANCED: 0}
    plan = (await rows(database, "SELECT id FROM work"))[0][0]
    await perform(tools, WorkKind.PLAN, plan)
    async with database.write() as session:
        first = (await ringing.due(session, Engine.CELERY, clock[0], 1))[0].work_id
        assert await work.claim(session, first, "dead", clock[0]) is not None
    await tick(tools, {"dead"})
    assert meter.actions[TickAction.TAKEN_BACK] == 1
    clock[0] += timedelta(seconds=5)
    rung_before = meter.actions[TickAction.RUNG]
    await tick(tools, ())
    assert meter.actions[TickAction.RUNG] > rung_before, "the queue is empty although work waits"
    local = counted(make_tools(database, settings=make_settings(engine={"mode": "local"}), owner=tools.owner), meter)
    await tick(local, ())
    assert meter.actions[TickAction.ADOPTED] == 1
    assert meter.ticks == 4


async def test_a_run_that_a_tick_moves_on_is_counted(database: Database, meter: RecordingMeter) -> None:
    await open_desk(database, make_posts(3))
    tools = counted(make_tools(database), meter)
    await started(tools)
    async with database.write() as session:
        await session.execute(text("UPDATE work SET state = 'done'"))
        await session.execute(text("UPDATE runs SET state = 'collecting'"))
    await tick(tools, ())
    assert meter.actions[TickAction.ADVANCED] == 1
    assert meter.runs == {("city", RunState.DONE): 1}, "without a fresh post it is a quiet day"


async def test_tasks_are_counted_by_how_they_end(
    database: Database, meter: RecordingMeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_desk(database, make_posts(2))
    tools = counted(make_tools(database), meter)

    async def do(error: BaseException) -> None:
        async def service(tools: Toolbox, work_id: int) -> None:
            raise error

        monkeypatch.setitem(SERVICES, WorkKind.PLAN, service)
        await perform(tools, WorkKind.PLAN, 1)

    await do(OperationalError("SELECT 1", {}, Exception("the server has gone")))
    await do(ZeroDivisionError())
    with pytest.raises(asyncio.CancelledError):
        await do(asyncio.CancelledError())
    kind = WorkKind.PLAN.value
    assert meter.tasks == {
        (kind, TaskOutcome.DATABASE_AWAY): 1,
        (kind, TaskOutcome.FAILED): 1,
        (kind, TaskOutcome.HANDED_BACK): 1,
    }


async def test_the_local_engine_is_counted_as_workers_are(database: Database, meter: RecordingMeter) -> None:
    await open_desk(database, make_posts(7))
    settings = make_settings(engine={"mode": "local"})
    tools = counted(make_tools(database, settings=settings, has_local_engine=True), meter)
    await started(tools)
    engine = LocalEngine(tools, asyncio.Event())
    engine.start()
    try:
        await until(lambda: bool(meter.runs), "the end of the run")
    finally:
        await engine.stop()
    assert meter.runs == {("city", RunState.DONE): 1}
    done = Counter({task: number for (task, outcome), number in meter.tasks.items() if outcome is TaskOutcome.DONE})
    stored = await rows(database, "SELECT kind, count(*) FROM work GROUP BY kind")
    assert done == dict(stored)
    assert meter.outcomes[CallOutcome.OK] == len(await rows(database, "SELECT id FROM model_calls"))
