"""What was given before this program was there, on both databases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from storage import adopting, digests, posts, public_bots, runs
from storage.database import Database
from storage.models import DigestRow, PostRow
from storage.records import Period, PublicBot
from tests.support import NOON, make_posts, open_desk

DAY = Period(NOON - timedelta(days=1), NOON)


async def open_city(database: Database) -> tuple[PublicBot, list[int]]:
    """A public bot and the ids of its three posts, of which the last two have the same text."""
    first, second = make_posts(2)
    twin = make_posts(1, start=3)[0]
    await open_desk(database, [first, second, type(twin)("3", twin.published_at, second.text)])
    async with database.read() as session:
        bot = await public_bots.by_slug(session, "city")
        ids = list(await session.scalars(select(PostRow.id).order_by(PostRow.external_id)))
    assert bot is not None
    return bot, ids


async def test_adopted_posts_and_their_twins_are_not_given_again(any_database: Database) -> None:
    bot, ids = await open_city(any_database)
    async with any_database.write() as session:
        assert await adopting.mark_given(session, bot, {ids[1]: NOON}, NOON) == 1
    async with any_database.read() as session:
        source_ids = await public_bots.source_ids(session, bot.id)
        found = await posts.candidates(session, bot.id, source_ids, DAY, DAY.start)
    assert {one.id: one.was_given for one in found} == {ids[0]: False, ids[1]: True, ids[2]: True}


async def test_adopting_twice_changes_nothing(any_database: Database) -> None:
    bot, ids = await open_city(any_database)
    for expected in (2, 0):
        async with any_database.write() as session:
            given = dict.fromkeys(ids[:2], NOON)
            assert await adopting.mark_given(session, bot, given, NOON) == expected
    async with any_database.read() as session:
        assert len(list(await session.scalars(select(DigestRow.id)))) == 1


async def test_readers_never_see_what_was_adopted_as_a_digest(any_database: Database) -> None:
    bot, ids = await open_city(any_database)
    async with any_database.write() as session:
        await adopting.mark_given(session, bot, {ids[0]: NOON}, NOON)
    async with any_database.read() as session:
        assert await digests.last_given(session, bot.id, NOON) is None
        assert await runs.last_given_period_end(session, bot.id) is None
        assert await runs.last_with_digest(session, bot.id) is None
        assert await digests.making_times(session, bot.id, 5) == []
        assert await runs.going_on(session) == []


async def test_what_was_adopted_is_not_ours_to_give_back(any_database: Database) -> None:
    bot, ids = await open_city(any_database)
    async with any_database.write() as session:
        await adopting.mark_given(session, bot, {ids[0]: NOON}, NOON)
    async with any_database.read() as session:
        assert await adopting.given_by_us(session, bot.id) == []
