"""Posts, sources, public bots, digests, cards and roles, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.exc import OperationalError

from storage import cards, digests, posts, public_bots, runs, sources, workers
from storage.database import Database
from storage.records import (
    Digest,
    DigestItem,
    DigestSection,
    Engine,
    IncomingPost,
    NewRun,
    Period,
    PublicBot,
    Run,
)
from tests.support import NOON, make_posts, make_spec, open_desk

DAY = Period(NOON - timedelta(days=1), NOON)


async def store(database: Database, *incoming: IncomingPost) -> posts.Stored:
    async with database.write() as session:
        source = await sources.ensure_file_source(session, "wire", now=NOON)
        return await posts.store(session, source.id, incoming, NOON)


async def make_run(database: Database) -> tuple[PublicBot, Run]:
    async with database.write() as session:
        bot = await public_bots.by_slug(session, "city")
        assert bot is not None
        run, _ = await runs.create(session, NewRun(bot.id, DAY, 5, Engine.CELERY, "f", "m", "test"), NOON)
    return bot, run


async def test_storing_twice_adds_nothing_twice(any_database: Database) -> None:
    first = make_posts(3)
    assert await store(any_database, *first) == posts.Stored(new=3)
    assert await store(any_database, *first, *make_posts(1, start=9)) == posts.Stored(new=1, unchanged=3)


async def test_an_edit_replaces_the_text_and_an_older_state_does_not(any_database: Database) -> None:
    (post,) = make_posts(1)
    edited = replace(post, text="edited", edited_at=NOON)
    older = replace(post, text="older", edited_at=NOON - timedelta(hours=1))
    await store(any_database, post)
    assert (await store(any_database, edited)).updated == 1
    assert (await store(any_database, older)).unchanged == 1
    assert (await store(any_database, post)).unchanged == 1
    async with any_database.read() as session:
        assert [one.text for one in (await posts.by_ids(session, [1])).values()] == ["edited"]


async def test_an_edit_that_was_taken_back_is_not_undone_by_the_edit_before_it(any_database: Database) -> None:
    """The text went from one to two and back to one; an older export with the two comes last."""
    (post,) = make_posts(1)
    await store(any_database, post)
    assert (await store(any_database, replace(post, edited_at=NOON))).unchanged == 1
    two = replace(post, text="two", edited_at=NOON - timedelta(hours=1))
    assert (await store(any_database, two)).unchanged == 1
    async with any_database.read() as session:
        assert [one.text for one in (await posts.by_ids(session, [1])).values()] == [post.text]


async def test_a_post_counts_as_published_in_a_period_from_its_start_to_before_its_end(any_database: Database) -> None:
    times = (DAY.start - timedelta(seconds=1), DAY.start, DAY.end - timedelta(seconds=1), DAY.end)
    named = zip(make_posts(4), times, strict=True)
    await open_desk(any_database, [replace(post, published_at=moment) for post, moment in named])
    async with any_database.read() as session:
        assert [one.id for one in await posts.candidates(session, 1, [1], DAY, DAY.start)] == [2, 3]
        assert await posts.candidates(session, 1, [2], DAY, DAY.start) == []
        assert (await sources.count(session))[1] == 4


async def test_times_come_back_in_utc_and_naive_ones_are_refused(any_database: Database) -> None:
    east = timezone(timedelta(hours=5))
    moment = datetime(2026, 11, 3, 1, 30, tzinfo=east)
    await store(any_database, replace(make_posts(1)[0], published_at=moment))
    async with any_database.read() as session:
        stored = (await posts.by_ids(session, [1]))[1].published_at
    assert (stored, stored.tzinfo) == (moment, UTC)
    with pytest.raises(ValueError, match="without a zone"):
        await store(any_database, replace(make_posts(1, start=5)[0], published_at=datetime(2026, 1, 1)))  # noqa: DTZ001


async def test_what_was_given_is_known_by_its_id_and_by_its_text(any_database: Database) -> None:
    given, other = make_posts(2)
    repost = replace(given, external_id="77", text=given.text.upper())
    await open_desk(any_database, [given, other, repost])
    bot, run = await make_run(any_database)
    item = DigestItem(1, "headline", "", None, "The Wire")
    digest = Digest(run.id, "city", "City", "en", "UTC", DAY, (DigestSection("Transport", (item,)),))
    async with any_database.write() as session:
        await digests.save(session, digest, bot.id, NOON)
        await digests.save(session, replace(digest, title="a second one"), bot.id, NOON)
        stored = await digests.of_run(session, run.id)
        assert stored is not None
        assert replace(stored, id=0) == digest
        for _ in range(2):
            await digests.mark_given(session, stored, bot.id, NOON)
        source_ids = await public_bots.source_ids(session, bot.id)
        found = await posts.candidates(session, bot.id, source_ids, DAY, DAY.start)
    assert {one.id: one.was_given for one in found} == {1: True, 2: False, 3: True}


async def test_a_public_bot_is_stored_as_it_was_described(any_database: Database) -> None:
    spec = make_spec(sources=("wire", "second"), token_env="CITY_TOKEN", batch_size=3, window_hours=12)
    async with any_database.write() as session:
        assert (await public_bots.apply(session, spec, "sealed", NOON)).new_sources == ("wire", "second")
        assert not (await public_bots.apply(session, spec, None, NOON)).is_new
        bot = await public_bots.by_slug(session, "CITY")
    assert bot is not None
    assert bot.spec == spec
    assert bot.has_token, "a token that is not given again is kept"


async def test_a_channel_is_registered_once_under_a_name_of_its_own(any_database: Database) -> None:
    async with any_database.write() as session:
        await sources.ensure_file_source(session, "news", now=NOON)
        for is_first in (True, False):
            channel, is_new = await sources.add_channel(
                session, chat_id=-1001, name="news", title="News", username=None, added_by=7, now=NOON
            )
            assert is_new is is_first
        assert channel.name == "news-1001"
        assert len(await sources.overview(session)) == 2


async def test_a_card_remembers_what_was_sent(any_database: Database) -> None:
    await open_desk(any_database, make_posts(1))
    _, run = await make_run(any_database)
    async with any_database.write() as session:
        assert await cards.ensure(session, run.id, 5, "en", NOON)
        assert not await cards.ensure(session, run.id, 5, "en", NOON)
        (card,) = await cards.unannounced(session)
        await cards.shown(session, card.id, 3, None, 90, is_final=True)
        await cards.sending(session, card.id, 0)
        assert [one.part_in_doubt for one in await cards.unannounced(session)] == [0]
        await cards.sent(session, card.id, 0)
        assert [(one.parts_sent, one.part_in_doubt) for one in await cards.unannounced(session)] == [(1, None)]
        assert not await cards.send_again(session, run.id, 5), "it is still being sent"
        await cards.announced(session, card.id, NOON)
        assert await cards.unannounced(session) == []
        assert await cards.send_again(session, run.id, 5)
        assert [one.parts_sent for one in await cards.unannounced(session)] == [0]


async def test_a_role_has_one_holder_until_it_lets_go_or_is_late(any_database: Database) -> None:
    hold = timedelta(seconds=10)
    async with any_database.write() as session:
        assert await workers.take_role(session, "tick", "a", NOON, hold)
        assert await workers.take_role(session, "tick", "a", NOON, hold)
        assert not await workers.take_role(session, "tick", "b", NOON, hold)
        assert await workers.take_role(session, "tick", "b", NOON + hold * 2, hold)
        assert not await workers.take_role(session, "tick", "a", NOON + hold * 2, hold)
        await workers.free_role(session, "tick", "b")
        assert await workers.take_role(session, "tick", "a", NOON + hold * 2, hold)


async def test_an_error_in_a_writing_session_undoes_all_of_it(any_database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with any_database.write() as session:
            await sources.ensure_file_source(session, "wire", now=NOON)
            raise ZeroDivisionError
    async with any_database.read() as session:
        assert await sources.by_name(session, "wire") is None


async def test_a_reading_session_of_sqlite_changes_nothing(database: Database) -> None:
    with pytest.raises(OperationalError, match="readonly"):
        async with database.read() as session:
            await sources.ensure_file_source(session, "wire", now=NOON)


async def test_an_open_session_is_known_to_those_inside_it_only(any_database: Database) -> None:
    assert not Database.has_open_session()
    async with any_database.read():
        assert Database.has_open_session()
    assert not Database.has_open_session()
