"""Cards that come anew, public bots that change, and the workers' signs of life, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from storage import cards, installation, public_bots, runs, sources, workers
from storage.database import Database
from storage.records import Card, Engine, NewRun, Period, Run, Worker
from tests.support import NOON, make_posts, make_spec, open_desk

CHAT = 5


@pytest.fixture
async def desk(any_database: Database) -> Database:
    await open_desk(any_database, make_posts(1), make_spec())
    return any_database


async def follow(database: Database) -> Run:
    """A run that a chat follows."""
    async with database.write() as session:
        bot = await public_bots.by_slug(session, "city")
        assert bot is not None
        new = NewRun(bot.id, Period(NOON - timedelta(days=1), NOON), 5, Engine.CELERY, "fake", "fake-1", "test")
        run, _ = await runs.create(session, new, NOON)
        assert await cards.ensure(session, run.id, CHAT, "ru", NOON)
    return run


async def card_of(database: Database, run: Run) -> Card:
    async with database.read() as session:
        return next(one for one in await cards.unannounced(session) if one.run_id == run.id)


async def test_a_card_that_comes_anew_is_not_taken_for_the_old_one(desk: Database) -> None:
    run = await follow(desk)
    card = await card_of(desk, run)
    assert (card.message_id, card.shown_version, card.language) == (None, 0, "ru")
    async with desk.write() as session:
        assert await cards.show_again(session, run.id, CHAT) is None, "it was never shown"
        await cards.shown(session, card.id, 3, None, 90, is_final=True)
        assert await cards.show_again(session, run.id, CHAT) == 90
        await cards.shown(session, card.id, 4, 90, 90, is_final=True)
        await cards.gone(session, card.id, 90)
    card = await card_of(desk, run)
    assert (card.message_id, card.shown_version, card.is_final, card.is_gone) == (None, 0, False, False)
    async with desk.write() as session:
        await cards.shown(session, card.id, 5, None, 95, is_final=False)
        await cards.gone(session, card.id, 95)
    card = await card_of(desk, run)
    assert (card.message_id, card.shown_version, card.is_gone) == (95, 5, True)


async def test_a_card_moves_below_the_draft_once(desk: Database) -> None:
    run = await follow(desk)
    card = await card_of(desk, run)
    async with desk.write() as session:
        await cards.shown(session, card.id, 3, None, 90, is_final=False)
        await cards.gone(session, card.id, 90)
        assert await cards.move_below_draft(session, card.id)
        assert not await cards.move_below_draft(session, card.id)
    card = await card_of(desk, run)
    assert (card.message_id, card.is_gone, card.is_below_draft) == (None, False, True)


async def test_a_draft_that_was_sent_whole_can_be_sent_again_and_then_the_card_moves_again(desk: Database) -> None:
    run = await follow(desk)
    card = await card_of(desk, run)
    async with desk.write() as session:
        await cards.sending(session, card.id, 0)
        await cards.sent(session, card.id, 0)
        assert not await cards.send_again(session, run.id, CHAT), "more parts may follow"
        await cards.move_below_draft(session, card.id)
        assert await cards.send_again(session, run.id, CHAT)
        assert not await cards.send_again(session, run.id, CHAT), "it is on its way"
        assert await cards.move_below_draft(session, card.id)


async def test_a_chat_with_a_new_id_keeps_its_cards_and_what_it_was_sent(desk: Database) -> None:
    run = await follow(desk)
    card = await card_of(desk, run)
    async with desk.write() as session:
        await cards.shown(session, card.id, 3, None, 90, is_final=True)
        await cards.sending(session, card.id, 0)
        await cards.sent(session, card.id, 0)
        await cards.sending(session, card.id, 1)
        await cards.move(session, CHAT, -100)
        await cards.move(session, CHAT, -100)
    card = await card_of(desk, run)
    assert (card.chat_id, card.message_id, card.is_final) == (-100, None, False)
    assert (card.parts_sent, card.part_in_doubt) == (1, 1), "a part in doubt stays in doubt"


async def test_a_chat_that_follows_under_both_ids_follows_under_the_new_one(desk: Database) -> None:
    run = await follow(desk)
    async with desk.write() as session:
        await cards.ensure(session, run.id, -100, "en", NOON)
        await cards.move(session, CHAT, -100)
        assert await cards.of_run(session, run.id) == {-100: "en"}


async def test_a_run_that_goes_on_after_its_end_is_followed_again_and_sends_nothing_twice(desk: Database) -> None:
    run = await follow(desk)
    card = await card_of(desk, run)
    async with desk.write() as session:
        await cards.sending(session, card.id, 0)
        await cards.sent(session, card.id, 0)
        await cards.shown(session, card.id, 3, None, 90, is_final=True)
        await cards.announced(session, card.id, NOON)
        await cards.reopen(session, run.id)
    card = await card_of(desk, run)
    assert (card.message_id, card.is_final, card.parts_sent) == (90, False, 1)


async def test_a_part_that_certainly_did_not_arrive_is_due_again(desk: Database) -> None:
    run = await follow(desk)
    card = await card_of(desk, run)
    async with desk.write() as session:
        await cards.sending(session, card.id, 0)
        await cards.sent(session, card.id, 0)
        await cards.sending(session, card.id, 1)
        await cards.not_sent(session, card.id)
    card = await card_of(desk, run)
    assert (card.parts_sent, card.part_in_doubt) == (1, None)


async def test_a_card_that_was_announced_does_not_come_anew(desk: Database) -> None:
    run = await follow(desk)
    card = await card_of(desk, run)
    async with desk.write() as session:
        await cards.shown(session, card.id, 3, None, 90, is_final=True)
        await cards.announced(session, card.id, NOON)
        assert await cards.show_again(session, run.id, CHAT) is None
        assert not await cards.send_again(session, run.id, CHAT + 1), "another chat does not follow it"
        assert not await cards.ensure(session, run.id, CHAT, "ru", NOON)


async def test_a_public_bot_follows_its_description(desk: Database) -> None:
    full = make_spec(sources=("wire", "wire", "second"), token_env="CITY_TOKEN", quiet_day="say", approval=False)
    changed = make_spec(sources=("second",), title="City", token_env="CITY_TOKEN", schedule="0 9 * * *")
    async with desk.write() as session:
        assert (await public_bots.apply(session, full, "sealed", NOON)).new_sources == ("second",)
        assert [bot.spec.sources for bot in await public_bots.everyone(session)] == [("wire", "second")]
        applied = await public_bots.apply(session, changed, None, NOON)
        assert (applied.is_new, applied.new_sources) == (False, ())
        (bot,) = await public_bots.everyone(session)
        assert (bot.spec, bot.has_token) == (changed, True)
        assert await public_bots.by_id(session, bot.id) == bot
        second = await sources.by_name(session, "second")
        assert second is not None
        assert await public_bots.source_ids(session, bot.id) == [second.id]
        await public_bots.apply(session, replace(changed, token_env=None), None, NOON)
        (bot,) = await public_bots.everyone(session)
        assert not bot.has_token, "a bot that names no token has none"


async def test_a_source_keeps_its_own_channel_and_takes_a_new_title(any_database: Database) -> None:
    async with any_database.write() as session:
        await sources.ensure_file_source(session, "habr", home_channel="1", now=NOON)
        await sources.ensure_file_source(session, "habr", title="Habr", home_channel="2", username="habr", now=NOON)
        source = await sources.ensure_file_source(session, "habr", now=NOON)
        (overview,) = await sources.overview(session)
    assert (source.title, source.home_channel, source.username) == ("Habr", "1", "habr")
    assert (overview.source, overview.posts, overview.last_post_at) == (source, 0, None)


async def test_workers_are_known_by_their_last_sign_of_life(any_database: Database) -> None:
    old = Worker("a@host", "host", 7, ("categorize", "deliver"), 4, NOON, NOON)
    seen = replace(old, pid=8, seen_at=NOON + timedelta(seconds=5))
    other = replace(old, name="b@host", seen_at=NOON + timedelta(days=2))
    async with any_database.write() as session:
        for sign in (old, seen, other):
            await workers.beat(session, sign)
        assert await workers.everyone(session) == [seen, other]
        await workers.forget_old(session, NOON + timedelta(days=1, seconds=6))
        assert await workers.everyone(session) == [other]
        await workers.leave(session, "b@host")
        assert await workers.everyone(session) == []


async def test_only_its_holder_lets_go_of_a_role(any_database: Database) -> None:
    async with any_database.write() as session:
        assert await workers.role_holder(session, "tick") is None
        await workers.take_role(session, "tick", "a", NOON, timedelta(seconds=10))
        await workers.free_role(session, "tick", "b")
        assert await workers.role_holder(session, "tick") == "a"
        await workers.free_role(session, "tick", "a")
        assert await workers.role_holder(session, "tick") is None


async def test_a_role_that_is_held_for_longer_than_anybody_takes_it_is_free(any_database: Database) -> None:
    """It was taken before a clock was set back."""
    hold, hour = timedelta(seconds=10), timedelta(hours=1)
    async with any_database.write() as session:
        assert await workers.take_role(session, "tick", "a", NOON + hour, hold)
        assert not await workers.take_role(session, "tick", "b", NOON + hour - hold, hold), "clocks differ a little"
        assert not await workers.role_is_held(session, "tick", NOON, hold)
        assert await workers.take_role(session, "tick", "b", NOON, hold)
        assert await workers.role_is_held(session, "tick", NOON, hold)


async def test_the_roles_of_the_dead_are_free_at_once(any_database: Database) -> None:
    hold = timedelta(seconds=10)
    async with any_database.write() as session:
        await workers.take_role(session, "tick", "died", NOON, hold)
        await workers.take_role(session, "bot", "lives", NOON, hold)
        assert await workers.role_owners(session) == {"died", "lives"}
        await workers.free_roles_of(session, {"died"})
        assert await workers.take_role(session, "tick", "lives", NOON, hold)
        assert not await workers.take_role(session, "bot", "another", NOON, hold)


async def test_of_many_who_name_the_installation_one_does(any_database: Database) -> None:
    async def ask() -> str:
        async with any_database.write() as session:
            return await installation.name(session)

    assert len(set(await asyncio.gather(*(ask() for _ in range(20))))) == 1
