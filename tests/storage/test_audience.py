"""What is counted of readers, of invitations and of the runs that made something again, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from storage import audience, digests, invitations, operators, public_bots, runs, sources, subscribers
from storage.database import Database
from storage.records import (
    ChatKind,
    Digest,
    Engine,
    Failure,
    NewRun,
    Period,
    Run,
    RunState,
    Turnover,
    Unreached,
)
from tests.support import NOON, make_posts, make_spec, open_bot, open_desk

DAY = timedelta(days=1)
SPANS = (7, 30)


@pytest.fixture
async def city(any_database: Database) -> int:
    """A public bot with one post and without readers; its id."""
    return await open_bot(any_database, make_posts(1))


async def failed_run(database: Database, bot_id: int, period: Period) -> Run:
    new = NewRun(bot_id, period, 5, Engine.CELERY, "fake", "fake-1", "test")
    async with database.write() as session:
        run, is_new = await runs.create(session, new, NOON)
        assert is_new
        await runs.fail(session, run.id, Failure("model.quota"), NOON)
        return await runs.get(session, run.id)


async def test_readers_are_counted_by_kind_language_and_why_they_went(any_database: Database, city: int) -> None:
    async with any_database.write() as session:
        for chat_id, language in ((1, "en"), (2, "en"), (3, "ru"), (4, "en"), (5, "en")):
            await subscribers.subscribe(session, city, chat_id, language, NOON)
        await subscribers.subscribe(session, city, -10, "ru", NOON, kind=ChatKind.CHANNEL, title="Trams")
        await subscribers.offer(session, city, -11, ChatKind.GROUP, "Fans", "en", NOON)
        await subscribers.offer(session, city, -12, ChatKind.GROUP, "Foes", "en", NOON)
        declined = await subscribers.by_chat(session, city, -12)
        assert declined is not None
        await subscribers.decide(session, declined.id, NOON, accept=False)
        await subscribers.stop(session, city, 4, NOON)
        await subscribers.retire(session, city, 5, Unreached.BLOCKED, NOON)
        counted = await audience.count(session, city, NOON, SPANS, [NOON])
    assert counted.reading == 4
    assert counted.kinds == {ChatKind.PRIVATE: 3, ChatKind.CHANNEL: 1}
    assert counted.languages == {"en": 2, "ru": 2}
    assert counted.gone == {"stopped": 1, "blocked": 1}
    assert counted.offered == 1


async def test_who_came_and_went_is_counted_by_the_days_that_passed(any_database: Database, city: int) -> None:
    async with any_database.write() as session:
        for chat_id, days_ago in ((1, 40), (2, 20), (3, 6), (4, 1)):
            await subscribers.subscribe(session, city, chat_id, "en", NOON - days_ago * DAY)
        await subscribers.stop(session, city, 1, NOON - 10 * DAY)
        await subscribers.retire(session, city, 3, Unreached.BLOCKED, NOON - 2 * DAY)
        ends = [NOON - days * DAY for days in (41, 21, 15, 9, 5, 1, 0)]
        counted = await audience.count(session, city, NOON, SPANS, ends)
    assert counted.turnover == (Turnover(7, came=2, went=1), Turnover(30, came=3, went=2))
    assert counted.growth == (0, 1, 2, 1, 2, 2, 2)


async def test_the_readers_of_another_bot_do_not_count(any_database: Database, city: int) -> None:
    village = await open_bot(any_database, [], [1, 2, 3], make_spec("village"))
    async with any_database.write() as session:
        await subscribers.subscribe(session, city, 1, "en", NOON)
        counted = await audience.count(session, city, NOON, SPANS, [NOON])
        others = await audience.count(session, village, NOON, SPANS, [NOON])
        assert [reader.chat_id for reader, _ in await subscribers.with_origins(session, city)] == [1]
    assert (counted.reading, counted.growth, others.reading) == (1, (1,), 3)


async def test_an_invitation_of_an_origin_is_made_once_and_counts_who_came(any_database: Database, city: int) -> None:
    async with any_database.write() as session:
        poster, is_new = await invitations.invite(session, city, "poster", 7, NOON)
        assert is_new
        for chat_id in (1, 2, 3):
            await subscribers.subscribe(session, city, chat_id, "en", NOON, invitation_id=poster.id)
        await subscribers.subscribe(session, city, 4, "en", NOON)
        await subscribers.stop(session, city, 3, NOON)
        again, is_new = await invitations.invite(session, city, "poster", 8, NOON)
        assert not is_new
        assert again == replace(poster, came=3, reading=2)
        assert await invitations.of_bot(session, city) == [again]
        assert await invitations.id_of(session, city, poster.code) == poster.id
        origins = {reader.chat_id: origin for reader, origin in await subscribers.with_origins(session, city)}
    assert origins == {1: "poster", 2: "poster", 3: "poster", 4: None}


async def test_of_many_who_ask_for_the_same_link_one_makes_it(any_database: Database, city: int) -> None:
    async def ask(number: int) -> tuple[str, bool]:
        async with any_database.write() as session:
            made, is_new = await invitations.invite(session, city, "poster", number, NOON)
        return made.code, is_new

    asked = await asyncio.gather(*(ask(number) for number in range(10)))
    assert len({code for code, _ in asked}) == 1
    assert [is_new for _, is_new in asked].count(True) == 1


async def test_of_many_who_pause_a_bot_one_does(any_database: Database, city: int) -> None:
    async def pause(_: int) -> bool:
        async with any_database.write() as session:
            return await public_bots.set_paused(session, city, NOON, is_paused=True)

    assert sorted(await asyncio.gather(*(pause(number) for number in range(10)))) == [False] * 9 + [True]


async def test_a_run_was_made_again_by_a_later_one_of_its_period_that_did_not_fail(
    any_database: Database, city: int
) -> None:
    period = Period(NOON - DAY, NOON)
    first = await failed_run(any_database, city, period)
    second = await failed_run(any_database, city, period)
    await failed_run(any_database, city, Period(NOON - 2 * DAY, NOON))
    async with any_database.write() as session:
        assert await runs.made_again(session, first) is None
        new = NewRun(city, period, 5, Engine.CELERY, "fake", "fake-1", "test")
        third, _ = await runs.create(session, new, NOON)
        for run in (first, second):
            assert await runs.made_again(session, run) == third
        assert await runs.made_again(session, third) is None


async def test_the_last_run_of_each_bot(any_database: Database, city: int) -> None:
    village = await open_bot(any_database, [], [], make_spec("village"))
    await open_desk(any_database, [], make_spec("never"))
    await failed_run(any_database, city, Period(NOON - DAY, NOON))
    of_village = await failed_run(any_database, village, Period(NOON - DAY, NOON))
    of_city = await failed_run(any_database, city, Period(NOON - DAY, NOON))
    async with any_database.read() as session:
        assert await runs.last_of_each_bot(session) == [of_city, of_village]


async def test_the_last_digest_is_one_that_was_made_for_somebody(any_database: Database, city: int) -> None:
    period = Period(NOON - DAY, NOON)

    async def make(*, deliver: bool, has_digest: bool) -> Run:
        new = NewRun(city, period, 5, Engine.CELERY, "fake", "fake-1", "test", deliver=deliver)
        async with any_database.write() as session:
            run, _ = await runs.create(session, new, NOON)
            if has_digest:
                await digests.save(session, Digest(run.id, "city", "City news", "en", "UTC", period, ()), city, NOON)
            await runs.transition(session, run.id, {RunState.QUEUED}, RunState.DONE, NOON)
            return await runs.get(session, run.id)

    async with any_database.read() as session:
        assert await runs.last_with_digest(session, city) is None
    given = await make(deliver=True, has_digest=True)
    await make(deliver=False, has_digest=True)
    await make(deliver=True, has_digest=False)
    async with any_database.read() as session:
        assert await runs.last_with_digest(session, city) == given


async def test_the_sources_of_a_bot_come_in_its_order_with_their_posts(any_database: Database) -> None:
    bot_id = await open_bot(any_database, make_posts(3), spec=make_spec(sources=("wire", "almanac")))
    await open_desk(any_database, [], make_spec("village", sources=("gazette",)))
    async with any_database.read() as session:
        found = await sources.of_bot(session, bot_id)
    assert [(one.source.name, one.posts) for one in found] == [("wire", 3), ("almanac", 0)]
    assert found[0].last_post_at == NOON - timedelta(minutes=2)


async def test_a_fault_is_untold_until_the_operators_were_told(any_database: Database, city: int) -> None:
    async with any_database.write() as session:
        await operators.report(session, "bots.token_refused", NOON, public_bot_id=city)
        await operators.report(session, "bots.token_refused", NOON + timedelta(minutes=59), public_bot_id=city)
        await operators.report(session, "bots.token_twice", NOON, public_bot_id=city)
        first, second = await operators.untold(session)
        await operators.told(session, first.id, NOON)
        assert await operators.untold(session) == [second]
        assert await operators.last_faults(session, 5) == [second, first]
