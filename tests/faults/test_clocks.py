"""A clock that jumps an hour, in one process or on the whole machine: nothing is lost, nobody is given up, nothing is
done twice. Each process has a clock of its own here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from _pytest.mark import ParameterSet

from pipeline.services.following import load_progress
from pipeline.services.recovering import STAYS_UNRENEWED
from pipeline.services.scheduling import start_due_runs
from pipeline.services.starting import Order, start_run
from pipeline.services.ticking import tick
from pipeline.services.working import perform
from pipeline.toolbox import Toolbox
from storage import ringing, runs, work
from storage.database import Database
from storage.records import DeliveryProgress, Engine, PostStatus, RunState, WorkKind
from tests.fakes import FakeCouriers, FakeModel
from tests.support import NOON, make_posts, make_spec, make_tools, open_bot

HOUR = timedelta(hours=1)
ONE, BOTH = (0,), (0, 1)
READERS = range(1, 13)
POSTS = 12
AT_ONCE = timedelta(minutes=2)  # far less than the hour by which the clocks are wrong


class Clock:
    """A clock that goes on with all others, and can be set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Processes:
    """Two processes on one database, which tick and work by turns, a second each."""

    def __init__(self, database: Database) -> None:
        self.model, self.couriers = FakeModel(), FakeCouriers()
        self.clocks = [Clock(), Clock()]
        self.tools = [
            make_tools(database, self.model, couriers=self.couriers, now=clock, owner=f"process-{number}")
            for number, clock in enumerate(self.clocks)
        ]
        self.passed = timedelta()

    async def go_on_until(self, *states: RunState) -> RunState:
        """Until the run is in one of these states."""
        while True:
            for tools in self.tools:
                await tick(tools, ())
                await self._do_one(tools)
                async with tools.database.read() as session:
                    (run,) = await runs.recent(session, set(RunState), 1)
                if run.state in states:
                    return run.state
            self.wait(1)
            assert self.passed < AT_ONCE, f"the run still is {run.state} after {self.passed}"

    def wait(self, seconds: float) -> None:
        self.passed += timedelta(seconds=seconds)
        for clock in self.clocks:
            clock.now += timedelta(seconds=seconds)

    async def _do_one(self, tools: Toolbox) -> None:
        async with tools.database.read() as session:
            due = await ringing.due(session, Engine.CELERY, tools.now(), 1)
        for ring in due:
            await perform(tools, ring.kind, ring.work_id)


def cases() -> Iterator[ParameterSet]:
    """At every stage, in one process or both, forward or back; some of them in every run of the tests."""
    often = {
        (RunState.CATEGORIZING, ONE, HOUR),
        (RunState.SUMMARIZING, ONE, -HOUR),
        (RunState.DELIVERING, BOTH, -HOUR),
        (RunState.DELIVERING, ONE, HOUR),
    }
    for case in product((RunState.CATEGORIZING, RunState.SUMMARIZING, RunState.DELIVERING), (ONE, BOTH), (HOUR, -HOUR)):
        state, whose, jump = case
        name = f"{state}, {'one process' if whose == ONE else 'both'}, {'forward' if jump > timedelta() else 'back'}"
        yield pytest.param(*case, id=name, marks=[] if case in often else pytest.mark.slow)


@pytest.mark.parametrize(("state", "whose", "jump"), list(cases()))
async def test_a_run_comes_to_its_end(
    any_database: Database, state: RunState, whose: tuple[int, ...], jump: timedelta
) -> None:
    await open_bot(any_database, make_posts(POSTS), READERS)
    processes = Processes(any_database)
    run = (await start_run(processes.tools[0], Order("city", period="24h"))).run
    await processes.go_on_until(state)
    for number in whose:
        processes.clocks[number].now += jump
    assert await processes.go_on_until(RunState.DONE, RunState.FAILED) is RunState.DONE

    ended = await load_progress(processes.tools[0], run.id)
    assert sum(ended.posts.values()) == POSTS
    assert ended.count(PostStatus.SET_ASIDE) == 0
    assert ended.delivery == DeliveryProgress(delivered=len(READERS), reasons={})
    assert Counter(one.chat_id for one in processes.couriers.delivered) == dict.fromkeys(READERS, 1)
    asked = Counter((kind, text) for kind, texts in processes.model.calls for text in texts)
    assert max(asked.values()) == 1, "nothing was asked for twice"


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back"])
async def test_what_a_dead_process_held_is_taken_back_within_a_minute(any_database: Database, jump: timedelta) -> None:
    await open_bot(any_database, make_posts(5))
    processes = Processes(any_database)
    await start_run(processes.tools[0], Order("city", period="24h"))
    await processes.go_on_until(RunState.CATEGORIZING)
    async with any_database.write() as session:
        (ring,) = await ringing.due(session, Engine.CELERY, NOON + AT_ONCE, 10)
        assert await work.claim(session, ring.work_id, "died elsewhere", processes.clocks[0].now - jump) is not None
    processes.passed = timedelta()
    assert await processes.go_on_until(RunState.DONE) is RunState.DONE
    assert processes.passed <= timedelta(minutes=1)


async def test_who_lives_keeps_its_claim_when_the_clock_of_another_jumps(any_database: Database) -> None:
    await open_bot(any_database, make_posts(5))
    processes = Processes(any_database)
    await start_run(processes.tools[0], Order("city", period="24h"))
    await processes.go_on_until(RunState.CATEGORIZING)
    mine, other = processes.tools
    async with any_database.write() as session:
        (ring,) = await ringing.due(session, Engine.CELERY, NOON + AT_ONCE, 10)
        claimed = await work.claim(session, ring.work_id, mine.owner, mine.now())
    assert claimed is not None
    for jump in (HOUR, -2 * HOUR):
        processes.clocks[1].now += jump
        for second in range(int(STAYS_UNRENEWED.total_seconds()) * 3):
            if second % 10 == 0:
                async with any_database.write() as session:
                    await work.renew(session, mine.owner, {claimed.id}, mine.now())
            await tick(other, ())
            processes.wait(1)
    async with any_database.read() as session:
        assert await work.still_mine(session, claimed)


async def test_a_slot_is_made_once_whatever_the_clock_does(any_database: Database) -> None:
    """An hour forward: the digest is made an hour early, by the clock that its machine has. Back: not once more."""
    await open_bot(any_database, make_posts(5), spec=make_spec(schedule="0 9 * * *"))
    clock = Clock()
    tools = make_tools(any_database, now=clock)
    due = datetime(2026, 11, 4, 9, tzinfo=UTC)

    async def made() -> list[datetime | None]:
        async with any_database.read() as session:
            return [run.publish_at for run in await runs.recent(session, set(RunState), 10)]

    async def end_all() -> None:
        async with any_database.write() as session:
            for run in await runs.going_on(session):
                await runs.transition(session, run.id, {run.state}, RunState.DONE, clock.now, finished_at=clock.now)

    clock.now = due - HOUR
    await start_due_runs(tools)
    assert await made() == []
    clock.now += HOUR
    await start_due_runs(tools)
    assert await made() == [due]
    await end_all()
    for minutes in range(-60, 120, 10):
        clock.now = due + timedelta(minutes=minutes)
        await start_due_runs(tools)
    assert await made() == [due]


async def test_work_that_was_rung_for_in_a_time_to_come_is_rung_for_again(any_database: Database) -> None:
    """The message may be lost, and nobody waits an hour for it."""
    await open_bot(any_database, make_posts(5))
    processes = Processes(any_database)
    run = (await start_run(processes.tools[0], Order("city", period="24h"))).run
    async with any_database.write() as session:
        plan = await work.plan_of(session, run.id)
        assert plan is not None
        await ringing.mark_rung(session, [plan], NOON + HOUR)
    async with any_database.read() as session:
        heard_before = NOON - timedelta(seconds=3)
        (ring,) = await ringing.due_unheard(session, Engine.CELERY, NOON, heard_before)
    assert (ring.work_id, ring.kind) == (plan, WorkKind.PLAN)
