"""Which run a command gets, how a run moves, and where the next one begins, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from storage import digests, model_calls, public_bots, run_posts, runs
from storage.database import Database
from storage.progress import of_runs
from storage.records import (
    ENDED,
    Digest,
    Engine,
    Failure,
    ModelCall,
    NewRun,
    Period,
    PostStatus,
    Run,
    RunState,
    Summary,
    Verdict,
)
from tests.support import NOON, make_posts, make_spec, open_desk

MANY = 20
DAY = timedelta(days=1)


@pytest.fixture
async def desk(any_database: Database) -> Database:
    """Two public bots, "city" and "village", and five posts."""
    await open_desk(any_database, make_posts(5), make_spec())
    await open_desk(any_database, [], make_spec("village"))
    return any_database


async def new_run(database: Database, slug: str = "city", **changes: object) -> NewRun:
    async with database.read() as session:
        bot = await public_bots.by_slug(session, slug)
    assert bot is not None
    return replace(NewRun(bot.id, Period(NOON - DAY, NOON), 5, Engine.CELERY, "fake", "fake-1", "test"), **changes)  # type: ignore[arg-type]


async def create(database: Database, slug: str = "city", now: datetime = NOON, **changes: object) -> tuple[Run, bool]:
    new = await new_run(database, slug, **changes)
    async with database.write() as session:
        return await runs.create(session, new, now)


async def end(database: Database, run: Run, *, gives: bool = True) -> None:
    digest = Digest(run.id, run.bot_slug, run.bot_title, "en", "UTC", run.period, ())
    async with database.write() as session:
        if gives:
            await digests.save(session, digest, run.public_bot_id, NOON)
        assert await runs.transition(session, run.id, {run.state}, RunState.DONE, NOON, finished_at=NOON)


async def test_a_command_that_arrives_twice_makes_one_run(desk: Database) -> None:
    run, is_new = await create(desk, chat_id=1, message_id=7)
    assert is_new
    assert await create(desk, chat_id=1, message_id=7) == (run, False)
    await end(desk, run)
    again, is_new = await create(desk, chat_id=1, message_id=7)
    assert (again.id, is_new) == (run.id, False), "not even after its run has ended"
    assert (await create(desk, chat_id=2, message_id=7))[1], "message 7 of another chat is another command"


async def test_a_command_that_arrives_again_gets_its_own_run_although_another_goes_on(desk: Database) -> None:
    own, _ = await create(desk, chat_id=1, message_id=7)
    await end(desk, own)
    from_the_command_line, is_new = await create(desk)
    assert is_new
    again, is_new = await create(desk, chat_id=1, message_id=7)
    assert (again.id, is_new) == (own.id, False)
    other, is_new = await create(desk, chat_id=1, message_id=8)
    assert (other.id, is_new) == (from_the_command_line.id, False)


async def test_the_command_line_gets_the_run_that_goes_on_and_no_other(desk: Database) -> None:
    """Runs from the command line have no message: they are not the same command because of that."""
    ended, _ = await create(desk)
    await end(desk, ended)
    of_the_other_bot, _ = await create(desk, "village")
    going_on, is_new = await create(desk, chat_id=1, message_id=7)
    assert is_new
    found, is_new = await create(desk)
    assert (found.id, is_new) == (going_on.id, False)
    found, is_new = await create(desk, "village")
    assert (found.id, is_new) == (of_the_other_bot.id, False)


async def test_of_many_commands_at_once_one_makes_the_run_and_all_learn_which(desk: Database) -> None:
    new = [await new_run(desk, chat_id=number, message_id=1) for number in range(MANY)]

    async def command(one: NewRun) -> tuple[Run, bool]:
        async with desk.write() as session:
            return await runs.create(session, one, NOON)

    made = await asyncio.gather(*(command(one) for one in new))
    assert sum(is_new for _, is_new in made) == 1
    assert len({run.id for run, _ in made}) == 1


async def test_whoever_waits_for_another_state_moves_nothing(desk: Database) -> None:
    run, _ = await create(desk)
    async with desk.write() as session:
        for state in set(RunState) - ENDED:
            assert await runs.transition(session, run.id, set(RunState) - ENDED, state, NOON)
            before = await runs.get(session, run.id)
            assert before.state is state
            others = set(RunState) - {state}
            assert not await runs.transition(session, run.id, others, RunState.DONE, NOON, finished_at=NOON)
            assert await runs.get(session, run.id) == before


@pytest.mark.parametrize("ending", ["done", "failed", "cancelled"])
async def test_a_run_ends_once(desk: Database, ending: str) -> None:
    run, _ = await create(desk)
    failure = Failure("model.quota", {"reason": "no money"})
    async with desk.write() as session:
        endings: dict[str, Callable[[], Awaitable[bool]]] = {
            "done": lambda: runs.transition(session, run.id, {run.state}, RunState.DONE, NOON, finished_at=NOON),
            "failed": lambda: runs.fail(session, run.id, failure, NOON),
            "cancelled": lambda: runs.cancel(session, run.id, 7, NOON),
        }
        assert await endings[ending]()
        assert [await other() for other in endings.values()] == [False, False, False]
        ended = await runs.get(session, run.id)
        assert (ended.state, ended.finished_at, ended.version) == (ending, NOON, run.version + 1)
        assert ended.failure == (failure if ending == "failed" else None)
        assert ended.cancelled_by == (7 if ending == "cancelled" else None)
        assert await runs.going_on(session) == []
        assert [one.id for one in await runs.recent(session, ENDED, 5)] == [run.id]


async def test_the_next_digest_begins_where_the_last_given_one_ended(desk: Database) -> None:
    city = (await new_run(desk)).public_bot_id

    async def next_start() -> datetime | None:
        async with desk.read() as session:
            return await runs.last_given_period_end(session, city)

    assert await next_start() is None
    first, _ = await create(desk, period=Period(NOON - 3 * DAY, NOON - 2 * DAY))
    assert await next_start() is None, "it goes on"
    await end(desk, first)
    assert await next_start() == NOON - 2 * DAY
    for unlike in ({"deliver": False}, {"slug": "village"}):
        run, _ = await create(desk, **unlike)
        await end(desk, run)
    assert await next_start() == NOON - 2 * DAY
    run, _ = await create(desk)
    async with desk.write() as session:
        await runs.fail(session, run.id, Failure("model.quota"), NOON)
    assert await next_start() == NOON - 2 * DAY
    run, _ = await create(desk)
    await end(desk, run, gives=False)
    assert await next_start() == NOON - 2 * DAY, "a run that found nothing gave nothing"
    run, _ = await create(desk, period=Period(NOON - 9 * DAY, NOON - 8 * DAY))
    await end(desk, run)
    assert await next_start() == NOON - 2 * DAY, "an older period that was asked for later takes nothing away"


async def test_a_period_that_reaches_into_the_future_loses_no_post_that_comes_later(desk: Database) -> None:
    """/digest city 2026-11-03 at noon of that day: what is published in the afternoon is for the next digest."""
    midnight = NOON.replace(hour=0)
    run, _ = await create(desk, period=Period(midnight, midnight + DAY))
    await end(desk, run)
    async with desk.read() as session:
        assert await runs.last_given_period_end(session, run.public_bot_id) == NOON


async def test_progress_is_counted_from_rows(desk: Database) -> None:
    run, _ = await create(desk)
    other, _ = await create(desk, "village")
    call = ModelCall("fake-1", "ok", 100, 0, 10, 0.25, 5)
    statuses = dict.fromkeys([1, 2, 3], PostStatus.FRESH) | {4: PostStatus.DUPLICATE}
    async with desk.write() as session:
        await run_posts.add(session, run.id, statuses)
        await run_posts.add(session, other.id, {1: PostStatus.GIVEN_BEFORE})
        await run_posts.save_verdicts(session, run.id, {1: Verdict("Parks", 4, "trees"), 2: Verdict(None, 1)})
        await run_posts.set_aside(session, run.id, {3: "refused"})
        await model_calls.add(session, run.id, {1: [call, call]}, NOON)
        await model_calls.add(session, other.id, {2: []}, NOON)
    async with desk.read() as session:
        second, first = await of_runs(session, [other, run])
        assert await run_posts.set_aside_reasons(session, run.id) == {3: "refused"}
    assert first.posts == {PostStatus.CATEGORIZED: 2, PostStatus.SET_ASIDE: 1, PostStatus.DUPLICATE: 1}
    assert (first.model_calls, first.input_tokens, first.output_tokens, first.cost) == (2, 200, 20, 0.5)
    assert (second.posts, second.model_calls, second.cost) == ({PostStatus.GIVEN_BEFORE: 1}, 0, 0.0)


async def test_a_post_goes_its_way_through_a_run_and_what_waits_at_the_end_is_dropped(desk: Database) -> None:
    run, _ = await create(desk)
    async with desk.write() as session:
        await run_posts.add(session, run.id, dict.fromkeys([1, 2, 3, 4], PostStatus.FRESH))
        verdicts = {1: Verdict("Parks", 4, "trees"), 2: Verdict(None, 1), 3: Verdict("Parks", 5)}
        await run_posts.save_verdicts(session, run.id, verdicts)
        judged = await run_posts.judged(session, run.id)
        assert [(one.post_id, one.verdict.category, one.verdict.importance) for one in judged] == [
            (3, "Parks", 5), (2, None, 1), (1, "Parks", 4)
        ], "oldest first"  # fmt: skip
        await run_posts.set_statuses(session, run.id, {1: PostStatus.CHOSEN, 3: PostStatus.CHOSEN})
        assert list(await run_posts.waiting(session, run.id, PostStatus.CHOSEN, [2, 1])) == [1]
        await run_posts.save_summaries(session, run.id, {1: Summary("Trees", "Ten trees.")})
        (ready,) = await run_posts.summarized(session, run.id)
        assert (ready.verdict, ready.summary) == (Verdict("Parks", 4, "trees"), Summary("Trees", "Ten trees."))
        await run_posts.drop_unfinished(session, run.id)
        (progress,) = await of_runs(session, [run])
    assert progress.posts == {PostStatus.SUMMARIZED: 1, PostStatus.DROPPED: 3}


@pytest.mark.parametrize("any_url", ["postgresql"], indirect=True)  # SQLite has one writer at a time
async def test_a_run_that_ends_while_a_command_meets_it_makes_room(
    desk: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, _ = await create(desk)
    look = runs._in_the_way

    async def end_first(session: AsyncSession, new: NewRun) -> int | None:
        monkeypatch.undo()
        await end(desk, old)
        return await look(session, new)

    monkeypatch.setattr(runs, "_in_the_way", end_first)
    run, is_new = await create(desk, chat_id=1, message_id=7)
    assert is_new
    assert run.id != old.id
