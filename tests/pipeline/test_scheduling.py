"""Schedules kept through the real databases: each period once, however many tick, and whatever was in the way."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import URL, event

from pipeline.errors import BrokerUnavailable
from pipeline.services import scheduling
from pipeline.services.following import load_progress
from pipeline.services.publishing import publish
from pipeline.services.scheduling import start_due_runs
from pipeline.services.starting import Order, cancel_run, start_run
from pipeline.services.ticking import tick
from settings import Settings
from storage import cards, operators, public_bots, runs, slots
from storage.database import Database
from storage.records import Actor, Engine, Operator, PublicBotSpec, Run, RunState, WorkKind
from storage.schema import migrate
from tests.fakes import FakeCouriers
from tests.support import NOON, FakeDoorbell, do_all_work, make_posts, make_settings, make_spec, make_tools, open_bot

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MANY = 20
ANNA, BORIS = 7, 8
DAILY = "0 9 * * *"
DUE = datetime(2026, 11, 4, 9, tzinfo=UTC)  # the first time after NOON, when tests' schedules come into force


class Clock:
    """A clock that tests set."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def settings() -> Settings:
    return make_settings(telegram={"operator_ids": [ANNA, BORIS], "language": "ru"})


def scheduled(slug: str = "city", **changes: object) -> PublicBotSpec:
    return make_spec(slug, **{"schedule": DAILY, **changes})


async def apply(database: Database, *specs: PublicBotSpec, now: datetime = NOON) -> None:
    async with database.write() as session:
        for spec in specs:
            await public_bots.apply(session, spec, None, now)


async def all_runs(database: Database) -> Sequence[Run]:
    async with database.read() as session:
        return list(reversed(await runs.recent(session, set(RunState), 1000)))


async def made(database: Database) -> list[datetime | None]:
    """The times for which runs were made, in the order in which they were."""
    return [run.publish_at for run in await all_runs(database)]


@pytest.fixture
async def databases(any_url: URL) -> AsyncIterator[Sequence[Database]]:
    """The same database as several processes open it."""
    await migrate(any_url)
    async with AsyncExitStack() as stack:
        opened = [Database(any_url) for _ in range(4)]
        for database in opened:
            stack.push_async_callback(database.close)
        yield opened


async def test_a_run_starts_early_enough_to_go_out_at_its_time(any_database: Database) -> None:
    clock, doorbell = Clock(DUE - 11 * MINUTE), FakeDoorbell()
    tools = make_tools(any_database, settings=settings(), now=clock, doorbell=doorbell)
    await apply(any_database, scheduled(window_hours=6))
    await start_due_runs(tools)
    assert await all_runs(any_database) == []
    clock.now = DUE - 10 * MINUTE
    await start_due_runs(tools)
    (run,) = await all_runs(any_database)
    assert (run.origin, run.publish_at, run.engine, run.requested_by) == ("schedule", DUE, Engine.CELERY, None)
    assert (run.period.start, run.period.end) == (clock.now - timedelta(hours=6), clock.now)
    assert [(ring.run_id, ring.kind) for ring in doorbell.rings] == [(run.id, WorkKind.PLAN)]


async def test_every_operator_gets_a_card_in_their_own_language(any_database: Database) -> None:
    tools = make_tools(any_database, settings=settings(), now=Clock(DUE))
    await apply(any_database, scheduled())
    async with any_database.write() as session:
        await operators.seen(session, Operator(ANNA, "Anna", "en"), NOON)
    await start_due_runs(tools)
    async with any_database.read() as session:
        found = await cards.unannounced(session)
    assert {(card.chat_id, card.language) for card in found} == {(ANNA, "en"), (BORIS, "ru")}


async def test_however_many_tick_at_once_there_is_one_run(databases: Sequence[Database]) -> None:
    await apply(databases[0], *(scheduled(f"bot-{number}") for number in range(3)))
    doorbell = FakeDoorbell()
    tickers = [
        make_tools(databases[number % 4], settings=settings(), now=Clock(DUE), doorbell=doorbell, owner=f"{number}")
        for number in range(MANY)
    ]
    await asyncio.gather(*(start_due_runs(tools) for tools in tickers))
    assert sorted(run.bot_slug for run in await all_runs(databases[0])) == ["bot-0", "bot-1", "bot-2"]
    assert len(doorbell.rings) == 3
    async with databases[0].read() as session:
        assert len(await cards.unannounced(session)) == 3 * 2


async def test_an_operator_who_is_as_fast_as_the_schedule_gets_one_run_and_the_slot_is_kept(
    databases: Sequence[Database],
) -> None:
    await apply(databases[0], scheduled())
    clock = Clock(DUE)
    tickers = [make_tools(database, settings=settings(), now=clock) for database in databases]
    await asyncio.gather(
        *(start_due_runs(tools) for tools in tickers),
        *(start_run(tools, Order("city", chat_id=ANNA, message_id=number)) for number, tools in enumerate(tickers)),
    )
    (first,) = await all_runs(databases[0])
    await cancel_run(tickers[0], first.id, Actor(ANNA, "Anna"))
    await start_due_runs(tickers[0])
    await start_due_runs(tickers[1])
    assert (await made(databases[0])).count(DUE) == 1, "by the first run or, where that was the operator's, by another"


@pytest.mark.parametrize(
    ("downtime", "expected"),
    [
        (MINUTE, DUE),
        (timedelta(hours=1), DUE),
        (timedelta(hours=12), DUE),
        (7 * DAY, DUE + 7 * DAY),
        (7 * DAY - 11 * MINUTE, DUE + 6 * DAY),
    ],
    ids=["a minute", "an hour", "a night", "a week", "just before the next lead"],
)
async def test_after_a_downtime_the_latest_period_is_made_and_only_once(
    any_database: Database, downtime: timedelta, expected: datetime
) -> None:
    await apply(any_database, scheduled())
    clock = Clock(DUE + downtime)
    tools = make_tools(any_database, settings=settings(), now=clock)
    for _ in range(3):
        await start_due_runs(tools)
        for run in await all_runs(any_database):
            await do_all_work(tools, run.id)
    assert await made(any_database) == [expected]


async def test_a_few_days_with_downtimes_and_a_change_of_the_clocks(databases: Sequence[Database]) -> None:
    """Berlin, 24 to 26 October: at 02:30, which comes twice on the 25th, and at 23:30. Two tickers, up now and then."""
    start = datetime(2026, 10, 23, 22, tzinfo=UTC)
    spec = scheduled(schedule="30 2,23 * * *", timezone="Europe/Berlin")
    await apply(databases[0], spec, now=start)
    chance, clock = random.Random(3), Clock()
    tickers = [make_tools(database, settings=settings(), now=clock) for database in databases[:2]]
    for passed in range(0, 73 * 60, 10):
        clock.now = start + passed * MINUTE
        is_night = 1000 < passed < 1700
        up = [] if is_night else [tools for tools in tickers if chance.random() > 0.3]
        await asyncio.gather(*(start_due_runs(tools) for tools in up))
        for run in await all_runs(databases[0]):
            if not run.state.has_ended:
                await do_all_work(tickers[0], run.id)
    due = ["24T02:30+02:00", "25T02:30+02:00", "25T23:30+01:00", "26T02:30+01:00", "26T23:30+01:00"]
    expected = [datetime.fromisoformat(f"2026-10-{one}") for one in due]
    assert await made(databases[0]) == expected, "the night has swallowed 23:30 of the 24th"


async def test_what_was_due_before_the_schedule_or_during_a_pause_is_not_caught_up(any_database: Database) -> None:
    await apply(any_database, scheduled(), now=DUE + MINUTE)
    clock = Clock(DUE + 2 * MINUTE)
    tools = make_tools(any_database, settings=settings(), now=clock)
    await start_due_runs(tools)
    assert await made(any_database) == []
    async with any_database.write() as session:
        assert await public_bots.set_paused(session, 1, clock.now, is_paused=True)
    clock.now = DUE + 3 * DAY
    await start_due_runs(tools)
    async with any_database.write() as session:
        assert await public_bots.set_paused(session, 1, clock.now, is_paused=False)
    await start_due_runs(tools)
    assert await made(any_database) == []
    clock.now = DUE + 4 * DAY
    await start_due_runs(tools)
    assert await made(any_database) == [DUE + 4 * DAY]


async def test_a_run_that_goes_on_is_waited_for(any_database: Database) -> None:
    clock = Clock(DUE - MINUTE)
    tools = make_tools(any_database, settings=settings(), now=clock)
    await apply(any_database, scheduled())
    by_hand = (await start_run(tools, Order("city"))).run
    await start_due_runs(tools)
    clock.now = DUE + 30 * MINUTE
    await start_due_runs(tools)
    assert [run.id for run in await all_runs(any_database)] == [by_hand.id]
    await do_all_work(tools, by_hand.id)
    await start_due_runs(tools)
    assert await made(any_database) == [None, DUE]


async def test_a_draft_that_nobody_decided_about_makes_room_and_its_posts_stay_free(any_database: Database) -> None:
    await open_bot(any_database, make_posts(3), [101], scheduled(approval=True, window_hours=72))
    clock = Clock(DUE)
    tools = make_tools(any_database, settings=settings(), now=clock)
    await start_due_runs(tools)
    (draft,) = await all_runs(any_database)
    assert (await do_all_work(tools, draft.id)).run.state is RunState.AWAITING_APPROVAL
    clock.now = DUE + DAY - MINUTE
    await start_due_runs(tools)
    old, new = await all_runs(any_database)
    assert (old.state, old.notice, old.cancelled_by) == (RunState.CANCELLED, "superseded", None)
    assert old.version > draft.version, "its card is shown again"
    assert not await publish(tools, old.id, Actor(ANNA, "Anna"))
    assert (new.publish_at, (await do_all_work(tools, new.id)).run.state) == (DUE + DAY, RunState.AWAITING_APPROVAL)
    progress = await load_progress(tools, new.id)
    assert sum(progress.posts.values()) == 3
    assert not any(status == "given_before" for status in progress.posts)


async def test_a_digest_does_not_go_out_before_its_time(any_database: Database) -> None:
    couriers = FakeCouriers()
    await open_bot(any_database, make_posts(3), [101, 102], scheduled(window_hours=72))
    clock = Clock(DUE - 10 * MINUTE)
    tools = make_tools(any_database, settings=settings(), now=clock, couriers=couriers)
    await start_due_runs(tools)
    (run,) = await all_runs(any_database)
    clock.now = DUE - timedelta(seconds=1)
    assert (await do_all_work(tools, run.id)).run.state is RunState.DELIVERING
    assert couriers.attempts == []
    clock.now = DUE
    assert (await do_all_work(tools, run.id)).run.state is RunState.DONE
    assert sorted(one.chat_id for one in couriers.delivered) == [101, 102]


async def test_the_next_run_starts_as_early_as_the_last_ones_took(any_database: Database) -> None:
    await open_bot(any_database, make_posts(3), [], scheduled(window_hours=72, schedule="0 9,12 * * *"))
    clock = Clock(DUE - 10 * MINUTE)
    tools = make_tools(any_database, settings=settings(), now=clock)
    await start_due_runs(tools)
    clock.now += 20 * MINUTE
    (run,) = await all_runs(any_database)
    await do_all_work(tools, run.id)
    lead = 20 * MINUTE * 1.5 + MINUTE
    noon = DUE + timedelta(hours=3)
    clock.now = noon - lead - timedelta(seconds=1)
    await start_due_runs(tools)
    assert await made(any_database) == [DUE]
    clock.now = noon - lead
    await start_due_runs(tools)
    assert await made(any_database) == [DUE, noon]


async def test_a_ticker_that_stood_still_acts_on_nothing_outdated(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It read what was due; then others made that and ended it, and gave another bot a new schedule."""
    await apply(any_database, scheduled("a-first"), scheduled("b-second", schedule="30 8 * * *"))
    tools = make_tools(any_database, settings=settings(), now=Clock(DUE))
    async with any_database.read() as session:
        known = await slots.scheduled(session)
    await apply(any_database, scheduled("b-second", schedule="0 20 * * *"), now=DUE)
    await start_due_runs(tools)
    (run,) = await all_runs(any_database)
    await do_all_work(tools, run.id)

    async def outdated(_session: object) -> Sequence[slots.Scheduled]:
        return known

    monkeypatch.setattr(slots, "scheduled", outdated)
    await start_due_runs(tools)
    assert [one.bot_slug for one in await all_runs(any_database)] == ["a-first"]


async def test_a_bot_without_sources_is_reported_once_and_holds_up_nobody(any_database: Database) -> None:
    await apply(any_database, scheduled("a-first", sources=()), scheduled("b-second"))
    clock = Clock(DUE)
    tools = make_tools(any_database, settings=settings(), now=clock)
    for _ in range(3):
        await start_due_runs(tools)
        clock.now += timedelta(hours=2)
    assert [run.bot_slug for run in await all_runs(any_database)] == ["b-second"]
    async with any_database.read() as session:
        (fault,) = await operators.untold(session)
    assert (fault.message_id, fault.params) == ("schedule.no_sources", {"slug": "a-first"})


async def test_a_schedule_that_an_earlier_version_took_is_reported_and_holds_up_nobody(any_database: Database) -> None:
    await apply(any_database, scheduled("a-first", schedule="* * * * * *"), scheduled("b-second"))
    tools = make_tools(any_database, settings=settings(), now=Clock(DUE))
    await start_due_runs(tools)
    await start_due_runs(tools)
    assert [run.bot_slug for run in await all_runs(any_database)] == ["b-second"]
    async with any_database.read() as session:
        (fault,) = await operators.untold(session)
    assert fault.message_id == "schedule.unusable"


async def test_a_bug_in_one_bot_stops_no_other_and_costs_its_slot_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await apply(database, scheduled("a-first"), scheduled("b-second"))
    tools = make_tools(database, settings=settings(), now=Clock(DUE))

    async def stumble(_session: object, _tools: object, run: Run, _now: object) -> None:
        if run.bot_slug == "a-first":
            raise ZeroDivisionError("a bug")

    with monkeypatch.context() as broken:
        broken.setattr(scheduling, "let_operators_follow", stumble)
        await start_due_runs(tools)
    assert [run.bot_slug for run in await all_runs(database)] == ["b-second"]
    (line,) = [record for record in caplog.records if record.exc_info]
    async with database.read() as session:
        (fault,) = await operators.untold(session)
    assert (fault.message_id, fault.params) == ("faults.schedule_bug", {"id": vars(line)["error_id"]})
    await start_due_runs(tools)
    assert [run.bot_slug for run in await all_runs(database)] == ["b-second", "a-first"]
    assert await made(database) == [DUE, DUE]


async def test_a_broker_that_is_away_costs_the_slot_nothing(database: Database) -> None:
    doorbell, clock = FakeDoorbell(), Clock(DUE)
    tools = make_tools(database, settings=settings(), now=clock, doorbell=doorbell)
    await apply(database, scheduled("a-first"), scheduled("b-second"))
    doorbell.unreachable = BrokerUnavailable("away")
    assert await tick(tools, ())
    assert await made(database) == [DUE, DUE]
    doorbell.unreachable = None
    clock.now += 5 * MINUTE
    assert await tick(tools, ())
    assert {ring.run_id for ring in doorbell.rings} == {run.id for run in await all_runs(database)}


async def test_a_process_with_an_engine_of_its_own_does_the_run_where_the_broker_is_away(database: Database) -> None:
    doorbell = FakeDoorbell()
    doorbell.unreachable = BrokerUnavailable("away")
    tools = make_tools(database, settings=settings(), now=Clock(DUE), doorbell=doorbell, has_local_engine=True)
    await apply(database, scheduled())
    await tick(tools, ())
    assert [run.engine for run in await all_runs(database)] == [Engine.LOCAL]


async def test_a_tick_with_nothing_due_asks_the_database_once(database: Database) -> None:
    await apply(database, *(scheduled(f"bot-{number}", schedule="0 20 * * *") for number in range(50)))
    tools = make_tools(database, settings=settings())
    asked = list[str]()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    for engine in (database._reader, database._writer):
        event.listen(engine.sync_engine, "before_cursor_execute", note)
    await start_due_runs(tools)
    assert [statement.split()[0] for statement in asked if not statement.startswith("BEGIN")] == ["SELECT"]
