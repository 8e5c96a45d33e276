"""What is asked for the metrics: right, and never by reading a big table through."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import event, text

from pipeline.services.observing import Lookout
from pipeline.services.starting import Order, start_run
from pipeline.stages.delivery import MOST_LANES
from pipeline.toolbox import Toolbox
from settings import HOME
from storage import deliveries, digests, public_bots, runs, situation, slots, work
from storage.database import Database
from storage.records import Digest, RunState, WorkKind
from tests.support import NOON, do_all_work, make_posts, make_spec, make_tools, open_bot, open_desk

BIG = ("posts", "run_posts", "deliveries", "model_calls", "model_answers", "given_posts", "work", "runs", "subscribers")
READS_THROUGH = re.compile(rf"SCAN ({'|'.join(BIG)})\b(?! USING)")


async def begin(tools: Toolbox) -> int:
    return (await start_run(tools, Order("city"))).run.id


async def test_runs_are_counted_by_state_and_those_that_ended_are_not(any_database: Database) -> None:
    await open_desk(any_database, make_posts(3))
    tools = make_tools(any_database)
    run_id = await begin(tools)
    async with any_database.read() as session:
        assert await situation.going_on_by_state(session) == {RunState.QUEUED: 1}
    await do_all_work(tools, run_id)
    async with any_database.read() as session:
        assert await situation.going_on_by_state(session) == {}


async def test_the_oldest_due_work_of_each_kind_is_told_and_what_rests_or_is_held_not(
    any_database: Database,
) -> None:
    await open_desk(any_database, make_posts(3))
    run_id = await begin(make_tools(any_database))
    async with any_database.write() as session:
        minutes = (3, 5, -2)
        for ago in minutes:
            await work.add(session, run_id, WorkKind.CATEGORIZE, [(1,)], NOON - timedelta(minutes=ago))
        await work.add(session, run_id, WorkKind.SUMMARIZE, [(1,)], NOON + timedelta(minutes=1))
        found = await situation.oldest_due(session, NOON)
        assert found == {WorkKind.PLAN: NOON, WorkKind.CATEGORIZE: NOON - timedelta(minutes=5)}
        await session.execute(text("UPDATE runs SET is_paused = true"))
        assert await situation.oldest_due(session, NOON) == {}


async def freeze(tools: Toolbox, lanes: int) -> None:
    """A digest whose messages wait to be sent, in so many lanes."""
    run_id = await begin(tools)
    async with tools.database.write() as session:
        run = await runs.get(session, run_id)
        await digests.save(session, Digest(run_id, "city", "City", "en", "UTC", run.period, ()), 1, NOON)
        digest = await digests.of_run(session, run_id)
        assert digest is not None
        await deliveries.freeze(session, digest.id, 1, lanes, lambda left_out: 1, NOON)


async def test_messages_in_doubt_are_counted_in_every_lane(any_database: Database) -> None:
    await open_bot(any_database, make_posts(2), range(1, 41))
    await freeze(make_tools(any_database), MOST_LANES)
    async with any_database.write() as session:
        await session.execute(text("UPDATE deliveries SET state = 'unknown' WHERE chat_id % 4 = 0"))
        assert await situation.deliveries_in_doubt(session, MOST_LANES) == 10


async def test_a_token_that_cannot_be_used_counts_unless_its_bot_is_paused(any_database: Database) -> None:
    await open_bot(any_database, make_posts(1))
    async with any_database.write() as session:
        await public_bots.set_token_fault(session, 1, "bots.token_refused", "sealed")
        assert await situation.token_faults(session) == 1
        await session.execute(text("UPDATE public_bots SET is_paused = true"))
        assert await situation.token_faults(session) == 0


async def look(tools: Toolbox) -> Any:
    seen = await Lookout(tools, HOME).look()
    assert seen.stored is not None
    return seen.stored


async def test_a_digest_is_overdue_until_it_is_on_its_way(any_database: Database) -> None:
    clock = [NOON - timedelta(hours=1)]
    await open_bot(any_database, make_posts(3), (1,), make_spec(schedule="0 12 * * *"))
    tools = make_tools(any_database, now=lambda: clock[0])
    async with any_database.write() as session:
        await session.execute(text("UPDATE public_bots SET schedule_since = '2026-11-03 10:00:00+00:00'")
                              if not any_database.is_sqlite else
                              text("UPDATE public_bots SET schedule_since = '2026-11-03 10:00:00.000000'"))  # fmt: skip
    assert (await look(tools)).overdue_schedules == 0
    clock[0] = NOON + timedelta(seconds=50)
    assert (await look(tools)).overdue_schedules == 0, "there is a minute's patience"
    clock[0] = NOON + timedelta(seconds=61)
    assert (await look(tools)).overdue_schedules == 1, "nobody has begun with it"
    run_id = await begin(tools)
    async with any_database.write() as session:
        assert await slots.take(session, 1, NOON, NOON)
        change = "UPDATE runs SET publish_at = (SELECT due_at FROM slots)"
        await session.execute(text(change))
    assert (await look(tools)).overdue_schedules == 1, "it is being made, and late"
    async with any_database.write() as session:
        assert await runs.transition(session, run_id, set(RunState), RunState.DELIVERING, NOON)
    assert (await look(tools)).overdue_schedules == 0


async def test_nothing_is_read_through_for_a_scrape(database: Database) -> None:
    await open_bot(database, make_posts(5), range(1, 12))
    tools = make_tools(database)
    await freeze(tools, 2)
    asked: list[tuple[str, Sequence[Any]]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Sequence[Any], *_: Any) -> None:
        asked.append((statement, parameters))

    engine = database._reader.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    await look(tools)
    event.remove(engine, "before_cursor_execute", note)
    assert len(asked) >= 8
    plans = []
    async with database.read() as session:
        connection = await session.connection()
        for statement, parameters in asked:
            if statement.startswith("SELECT"):
                plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(parameters))
                plans += [str(line.detail) for line in plan]
    assert [line for line in plans if READS_THROUGH.search(line)] == []
    assert any("SEARCH deliveries USING COVERING INDEX ix_deliveries_lane (digest_id=? AND lane=? AND state=?)" in line
               for line in plans), plans  # fmt: skip
