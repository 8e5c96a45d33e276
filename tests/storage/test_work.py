"""Claims, leases and fences, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from storage import claimable, public_bots, ringing, runs, work
from storage.database import Database
from storage.records import Engine, Failure, NewRun, Period, Run, RunState, Work, WorkKind
from storage.work import LEASE, LostClaim
from tests.support import NOON, make_posts, make_spec, open_desk

MANY = 20
FAILURE = Failure("model.quota")


async def start(database: Database, batches: Sequence[Sequence[int]] = ((),), *, message_id: int = 1) -> Run:
    """A run with one piece of work for each batch; the first has the lowest id."""
    async with database.write() as session:
        bot = await public_bots.by_slug(session, "city")
        assert bot is not None
        period = Period(NOON - timedelta(days=1), NOON)
        new = NewRun(bot.id, period, 5, Engine.CELERY, "fake", "fake-1", "test", 1, message_id)
        run, _ = await runs.create(session, new, NOON)
        await work.add(session, run.id, WorkKind.CATEGORIZE, batches, NOON)
    return run


async def claim(database: Database, work_id: int, owner: str = "me", later: timedelta = timedelta()) -> Work | None:
    async with database.write() as session:
        return await work.claim(session, work_id, owner, NOON + later)


async def first_work(database: Database, run: Run) -> int:
    async with database.read() as session:
        return (await ringing.due(session, Engine.CELERY, NOON, 100))[0].work_id


@pytest.fixture
async def desk(any_database: Database) -> Database:
    await open_desk(any_database, make_posts(3), make_spec())
    return any_database


async def test_of_many_who_claim_at_once_one_gets_it(desk: Database) -> None:
    run = await start(desk)
    work_id = await first_work(desk, run)
    claims = await asyncio.gather(*(claim(desk, work_id, f"owner-{number}") for number in range(MANY)))
    assert sum(one is not None for one in claims) == 1


async def test_of_many_commands_for_a_bot_one_makes_the_run(desk: Database) -> None:
    made = await asyncio.gather(*(start(desk, message_id=number) for number in range(MANY)))
    assert len({run.id for run in made}) == 1


async def test_of_many_who_move_a_run_on_one_does(desk: Database) -> None:
    run = await start(desk)

    async def move() -> bool:
        async with desk.write() as session:
            return await runs.transition(session, run.id, {RunState.QUEUED}, RunState.COLLECTING, NOON)

    assert sum(await asyncio.gather(*(move() for _ in range(MANY)))) == 1


async def test_no_change_is_lost_among_many(desk: Database) -> None:
    run = await start(desk)

    async def touch() -> None:
        async with desk.write() as session:
            locked = await runs.lock(session, run.id)
            await runs.touch(session, locked.id)

    await asyncio.gather(*(touch() for _ in range(100)))
    async with desk.read() as session:
        assert (await runs.get(session, run.id)).version == run.version + 100


async def test_who_lost_the_claim_saves_nothing(desk: Database) -> None:
    run = await start(desk)
    slow = await claim(desk, await first_work(desk, run))
    assert slow is not None
    async with desk.write() as session:
        (abandoned,) = await work.abandoned(session, NOON + LEASE + timedelta(seconds=1), ())
        await work.take_back(session, abandoned, NOON, crashes=1)
    again = await claim(desk, slow.id, "other")
    assert again is not None
    assert again.fence > slow.fence
    with pytest.raises(LostClaim):
        async with desk.write() as session:
            await runs.touch(session, run.id)
            await work.finish(session, slow)
    async with desk.read() as session:
        assert (await runs.get(session, run.id)).version == run.version, "the whole transaction was rolled back"
    async with desk.write() as session:
        await work.finish(session, again)


async def test_a_lease_that_is_renewed_does_not_run_out(desk: Database) -> None:
    run = await start(desk)
    mine = await claim(desk, await first_work(desk, run), "me")
    assert mine is not None
    later = NOON + LEASE - timedelta(seconds=1)
    async with desk.write() as session:
        await work.renew(session, "somebody else", {mine.id}, later)
        await work.renew(session, "me", {mine.id + 1}, later)
        assert len(await work.abandoned(session, NOON + LEASE + timedelta(seconds=1), ())) == 1
        await work.renew(session, "me", {mine.id}, later)
        assert await work.abandoned(session, NOON + LEASE + timedelta(seconds=1), ()) == []
        assert [one.id for one in await work.abandoned(session, NOON, {"me"})] == [mine.id]


async def test_work_is_not_claimed_before_it_is_due(desk: Database) -> None:
    run = await start(desk)
    mine = await claim(desk, await first_work(desk, run))
    assert mine is not None
    async with desk.write() as session:
        await work.put_off(session, mine, NOON + timedelta(seconds=60), reason="HTTP 503", retries=1)
    assert await claim(desk, mine.id) is None
    later = await claim(desk, mine.id, later=timedelta(seconds=61))
    assert later is not None
    assert later.retries == 1


@pytest.mark.parametrize("ending", ["cancel", "fail"])
async def test_nothing_of_a_run_that_has_ended_is_claimed_or_saved(desk: Database, ending: str) -> None:
    run = await start(desk, [[1], [2]])
    in_hand = await claim(desk, await first_work(desk, run))
    assert in_hand is not None
    async with desk.write() as session:
        await (
            runs.cancel(session, run.id, 7, NOON) if ending == "cancel" else runs.fail(session, run.id, FAILURE, NOON)
        )
        await work.cancel_all(session, run.id)
    assert await claim(desk, in_hand.id + 1) is None
    async with desk.read() as session:
        assert not await work.still_mine(session, in_hand)
    with pytest.raises(LostClaim):
        async with desk.write() as session:
            await work.finish(session, in_hand)


async def test_what_has_killed_a_process_is_tried_one_at_a_time(desk: Database) -> None:
    run = await start(desk, [[1], [2], [3]])
    first = await first_work(desk, run)
    for work_id in (first, first + 1):
        assert await claim(desk, work_id, "dead") is not None
    async with desk.write() as session:
        for lost in await work.abandoned(session, NOON, {"dead"}):
            await work.take_back(session, lost, NOON, crashes=1)
    suspect = await claim(desk, first)
    assert suspect is not None
    assert await claim(desk, first + 1) is None, "another suspect is in hand"
    assert await claim(desk, first + 2) is not None, "what is above suspicion goes on"
    async with desk.write() as session:
        await work.finish(session, suspect)
        assert [ring.work_id for ring in await ringing.next_suspect(session)] == [first + 1]
    assert await claim(desk, first + 1) is not None


async def test_what_has_killed_once_is_tried_before_what_has_killed_again(desk: Database) -> None:
    """Most of what was in hand when a process died was in bad company."""
    run = await start(desk, [[1], [2], [3]])
    first = await first_work(desk, run)
    for work_id, crashes in ((first, 2), (first + 1, 1)):
        lost = await claim(desk, work_id, "dead")
        assert lost is not None
        async with desk.write() as session:
            await work.take_back(session, lost, NOON, crashes=crashes)
    assert await claim(desk, first) is None
    innocent = await claim(desk, first + 1)
    assert innocent is not None
    async with desk.write() as session:
        await work.finish(session, innocent)
        assert [ring.work_id for ring in await ringing.next_suspect(session)] == [first]
    assert await claim(desk, first) is not None


async def test_each_piece_of_work_is_rung_for_once_and_again_when_nobody_heard(desk: Database) -> None:
    run = await start(desk, [[1], [2]])
    async with desk.write() as session:
        assert len(await ringing.to_ring(session, run.id, NOON)) == 2
        assert await ringing.to_ring(session, run.id, NOON) == []
        assert len(await ringing.to_ring(session, run.id, NOON, again=True)) == 2
        assert await ringing.due_unheard(session, Engine.CELERY, NOON) == []
        assert len(await ringing.due_unheard(session, Engine.CELERY, NOON, NOON + timedelta(seconds=5))) == 2


async def test_batches_that_finish_at_once_all_do(desk: Database) -> None:
    """Many processes finish batches and advance at once: nobody deadlocks, nothing is left claimed."""
    run = await start(desk, [[number] for number in range(MANY)])
    first = await first_work(desk, run)

    async def do(work_id: int) -> None:
        mine = await claim(desk, work_id, f"owner-{work_id}")
        assert mine is not None
        async with desk.write() as session:
            await runs.lock(session, run.id)
            await work.finish(session, mine)
            await runs.touch(session, run.id)

    await asyncio.gather(*(do(first + number) for number in range(MANY)))
    async with desk.read() as session:
        assert not await work.is_any_open(session, run.id, WorkKind.CATEGORIZE)
        assert await work.owners(session) == set()


HOUR = timedelta(hours=1)


async def test_a_lease_further_ahead_than_any_is_no_lease(desk: Database) -> None:
    """Its owner claimed it before a clock was set back."""
    run = await start(desk)
    mine = await claim(desk, await first_work(desk, run), later=HOUR)
    assert mine is not None
    async with desk.read() as session:
        assert await work.abandoned(session, NOON + HOUR - timedelta(seconds=20), ()) == [], "clocks differ a little"
        assert await work.abandoned(session, NOON, ()) == [mine]


async def test_work_that_would_wait_longer_than_any_is_due(desk: Database) -> None:
    """It was put off before a clock was set back."""
    run = await start(desk)
    mine = await claim(desk, await first_work(desk, run))
    assert mine is not None
    async with desk.write() as session:
        await work.put_off(session, mine, NOON + claimable.LONGEST_REST, reason="HTTP 503")
    assert await claim(desk, mine.id) is None
    assert await claim(desk, mine.id, later=-HOUR) is not None


async def test_a_digest_waits_for_its_time_however_far_that_is(desk: Database) -> None:
    async with desk.write() as session:
        bot = await public_bots.by_slug(session, "city")
        assert bot is not None
        period = Period(NOON - timedelta(days=1), NOON)
        new = NewRun(bot.id, period, 5, Engine.CELERY, "fake", "fake-1", "test", 1, 1, publish_at=NOON + HOUR)
        run, _ = await runs.create(session, new, NOON)
        await work.add(session, run.id, WorkKind.DELIVER, [()], NOON + HOUR)
    async with desk.read() as session:
        assert await ringing.due(session, Engine.CELERY, NOON, 10) == []
        assert len(await ringing.due(session, Engine.CELERY, NOON + HOUR, 10)) == 1
