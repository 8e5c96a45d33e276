"""Who reads a public bot, and how each came and left, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from storage import deliveries, digests, invitations, public_bots, runs, subscribers
from storage.database import Database
from storage.records import (
    ChatKind,
    Digest,
    Engine,
    NewRun,
    Period,
    Subscriber,
    SubscriberState,
    Unreached,
)
from tests.support import NOON, make_spec, open_bot

RITA, RUSLAN, GROUP, BIG_GROUP = 501, 502, -5, -1005
LATER = NOON + timedelta(hours=1)


@pytest.fixture
async def city(any_database: Database) -> int:
    """The id of a public bot that nobody reads yet."""
    return await open_bot(any_database, [])


async def reader(database: Database, bot_id: int, chat_id: int = RITA) -> Subscriber:
    async with database.read() as session:
        found = await subscribers.by_chat(session, bot_id, chat_id)
    assert found is not None
    return found


async def subscribe(database: Database, bot_id: int, chat_id: int = RITA, invitation_id: int | None = None) -> bool:
    async with database.write() as session:
        return await subscribers.subscribe(session, bot_id, chat_id, "ru", NOON, invitation_id=invitation_id)


async def offer(database: Database, bot_id: int, chat_id: int = GROUP) -> Subscriber:
    async with database.write() as session:
        assert await subscribers.offer(session, bot_id, chat_id, ChatKind.GROUP, "Neighbours", "en", NOON)
    return await reader(database, bot_id, chat_id)


async def digest_for(database: Database, bot_id: int) -> int:
    """The id of a digest that goes out to everybody who reads now."""
    period = Period(NOON - timedelta(days=1), NOON)
    async with database.write() as session:
        new = NewRun(bot_id, period, 5, Engine.CELERY, "fake", "fake-1", "test")
        run, _ = await runs.create(session, new, NOON)
        await digests.save(session, Digest(run.id, "city", "City", "en", "UTC", period, ()), bot_id, NOON)
        stored = await digests.of_run(session, run.id)
        assert stored is not None
        await deliveries.freeze(session, stored.id, bot_id, 1, lambda left_out: 1, NOON)
    return stored.id


async def test_subscribing_twice_is_once(any_database: Database, city: int) -> None:
    assert await subscribe(any_database, city)
    assert not await subscribe(any_database, city)
    found = await reader(any_database, city)
    assert (found.state, found.kind, found.title, found.language) == ("active", "private", None, "ru")
    async with any_database.read() as session:
        assert await subscribers.count_active(session, [city]) == {city: 1}


async def test_many_who_press_start_at_the_same_moment_are_one_reader(any_database: Database, city: int) -> None:
    answers = await asyncio.gather(*(subscribe(any_database, city) for _ in range(8)))
    assert sorted(answers) == [False] * 7 + [True]


async def test_whoever_returns_is_as_they_were(any_database: Database, city: int) -> None:
    async with any_database.write() as session:
        first, is_new = await invitations.invite(session, city, "paper", 7, NOON)
        assert is_new
        second, _ = await invitations.invite(session, city, "radio", 7, NOON)
    await subscribe(any_database, city, invitation_id=first.id)
    before = await reader(any_database, city)
    async with any_database.write() as session:
        await subscribers.set_left_out(session, before.id, ["Parks"])
        await subscribers.set_language(session, city, RITA, "en")
        assert await subscribers.stop(session, city, RITA, LATER)
        assert not await subscribers.stop(session, city, RITA, LATER)
        assert await subscribers.subscribe(session, city, RITA, "ru", LATER, invitation_id=second.id)
    after = await reader(any_database, city)
    assert (after.id, after.state, after.language, after.left_out) == (before.id, "active", "en", ("Parks",))
    assert (after.invitation_id, after.created_at, after.changed_at) == (first.id, NOON, LATER)


@pytest.mark.parametrize("reason", [Unreached.BLOCKED, Unreached.DEACTIVATED, Unreached.NOT_FOUND])
async def test_whoever_cannot_be_reached_is_kept_and_revived_by_start(
    any_database: Database, city: int, reason: Unreached
) -> None:
    await subscribe(any_database, city)
    async with any_database.write() as session:
        assert await subscribers.retire(session, city, RITA, reason, LATER)
        assert not await subscribers.retire(session, city, RITA, reason, LATER)
    found = await reader(any_database, city)
    assert (found.state, found.reason) == ("retired", reason)
    assert await subscribe(any_database, city)
    found = await reader(any_database, city)
    assert (found.state, found.reason) == ("active", None)


async def test_a_lifted_block_brings_back_only_whom_the_block_took_away(any_database: Database, city: int) -> None:
    for chat_id, reason in ((RITA, Unreached.BLOCKED), (RUSLAN, Unreached.NOT_FOUND)):
        await subscribe(any_database, city, chat_id)
        async with any_database.write() as session:
            await subscribers.retire(session, city, chat_id, reason, NOON)
            assert await subscribers.come_back(session, city, chat_id, LATER) == (reason is Unreached.BLOCKED)
    async with any_database.write() as session:
        await subscribers.stop(session, city, RITA, LATER)
        assert not await subscribers.retire(session, city, RITA, Unreached.BLOCKED, LATER), "they had left before"
        assert not await subscribers.come_back(session, city, RITA, LATER)


async def test_a_chat_is_offered_once_and_asked_about_once(any_database: Database, city: int) -> None:
    chat = await offer(any_database, city)
    async with any_database.write() as session:
        assert not await subscribers.offer(session, city, GROUP, ChatKind.GROUP, "Neighbours", "en", LATER)
        assert [one.id for one in await subscribers.unasked(session)] == [chat.id]
        await subscribers.asked(session, chat.id, LATER)
        assert await subscribers.unasked(session) == []
        assert await subscribers.count_active(session, [city]) == {city: 0}


async def test_of_many_who_decide_at_the_same_moment_one_does(any_database: Database, city: int) -> None:
    chat = await offer(any_database, city)

    async def decide(accept: bool) -> bool:
        async with any_database.write() as session:
            return await subscribers.decide(session, chat.id, LATER, accept=accept)

    answers = await asyncio.gather(*(decide(bool(number % 2)) for number in range(8)))
    assert sum(answers) == 1
    accepted = bool(answers.index(True) % 2)
    found = await reader(any_database, city, GROUP)
    assert found.state is (SubscriberState.ACTIVE if accepted else SubscriberState.DECLINED)


@pytest.mark.parametrize("accept", [True, False])
async def test_a_chat_that_left_and_returns_is_asked_about_again(
    any_database: Database, city: int, accept: bool
) -> None:
    chat = await offer(any_database, city)
    async with any_database.write() as session:
        await subscribers.asked(session, chat.id, NOON)
        await subscribers.decide(session, chat.id, NOON, accept=accept)
        assert await subscribers.retire(session, city, GROUP, Unreached.REMOVED, NOON) == accept
        is_offered = await subscribers.offer(session, city, GROUP, ChatKind.GROUP, "New name", "en", LATER)
    assert is_offered
    async with any_database.read() as session:
        assert [(one.id, one.title) for one in await subscribers.unasked(session)] == [(chat.id, "New name")]


async def test_a_group_that_moves_is_found_under_its_new_id_by_every_public_bot(
    any_database: Database, city: int
) -> None:
    parks = await open_bot(any_database, [], spec=make_spec("parks"))
    for bot_id in (city, parks):
        chat = await offer(any_database, bot_id)
        async with any_database.write() as session:
            await subscribers.decide(session, chat.id, NOON, accept=True)
    await digest_for(any_database, city)
    async with any_database.write() as session:
        for _ in range(2):
            await subscribers.move(session, GROUP, BIG_GROUP, LATER)
    for bot_id in (city, parks):
        found = await reader(any_database, bot_id, BIG_GROUP)
        assert (found.state, found.kind) == ("active", "supergroup")
    async with any_database.read() as session:
        assert await subscribers.by_chat(session, city, GROUP) is None


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("active", "active", ("retired", "active")),
        ("active", "offered", ("retired", "active")),
        ("active", "declined", ("retired", "declined")),
        ("offered", "offered", ("retired", "offered")),
        ("declined", "offered", ("retired", "declined")),
    ],
)
async def test_a_group_that_moves_onto_an_id_that_is_known_reads_once(
    any_database: Database, city: int, old: str, new: str, expected: tuple[str, str]
) -> None:
    for chat_id, state in ((GROUP, old), (BIG_GROUP, new)):
        chat = await offer(any_database, city, chat_id)
        async with any_database.write() as session:
            if state != "offered":
                await subscribers.decide(session, chat.id, NOON, accept=state == "active")
    async with any_database.write() as session:
        await subscribers.move(session, GROUP, BIG_GROUP, LATER)
    states = [(await reader(any_database, city, chat_id)).state for chat_id in (GROUP, BIG_GROUP)]
    assert tuple(states) == expected


async def test_a_reader_who_is_forgotten_leaves_no_trace_and_others_stay(any_database: Database, city: int) -> None:
    for chat_id in (RITA, RUSLAN):
        await subscribe(any_database, city, chat_id)
    digest_id = await digest_for(any_database, city)
    async with any_database.write() as session:
        assert await subscribers.forget(session, city, RITA)
        assert not await subscribers.forget(session, city, RITA)
    async with any_database.write() as session:
        assert await subscribers.by_chat(session, city, RITA) is None
        left = await deliveries.take(session, digest_id, 0, LATER, 10)
    assert [parcel.chat_id for parcel in left] == [RUSLAN]
    assert await subscribe(any_database, city)


async def test_a_code_belongs_to_one_public_bot_and_its_origin_keeps_it(any_database: Database, city: int) -> None:
    parks = await open_bot(any_database, [], spec=make_spec("parks"))
    async with any_database.write() as session:
        first, is_new = await invitations.invite(session, city, "paper", 7, NOON)
        again, is_new_again = await invitations.invite(session, city, "paper", 8, LATER)
        other, _ = await invitations.invite(session, parks, "paper", 7, NOON)
        assert (is_new, is_new_again, again) == (True, False, first)
        assert first.code != other.code
        assert "paper" not in first.code
        assert await invitations.id_of(session, city, first.code) == first.id
        assert await invitations.id_of(session, parks, first.code) is None


async def test_invitations_count_who_came_and_who_still_reads(any_database: Database, city: int) -> None:
    async with any_database.write() as session:
        paper, _ = await invitations.invite(session, city, "paper", 7, NOON)
        await invitations.invite(session, city, "radio", 7, NOON)
    for chat_id in (RITA, RUSLAN):
        await subscribe(any_database, city, chat_id, paper.id)
    async with any_database.write() as session:
        await subscribers.stop(session, city, RITA, LATER)
        found = [(one.origin, one.came, one.reading) for one in await invitations.of_bot(session, city)]
    assert found == [("paper", 2, 1), ("radio", 0, 0)]


async def test_what_telegram_said_of_a_bot_is_forgotten_with_its_token(any_database: Database, city: int) -> None:
    spec = make_spec(token_env="CITY_TOKEN")

    async def identity(token: str | None, telegram_id: int | None, env: str | None = "CITY_TOKEN") -> object:
        async with any_database.write() as session:
            await public_bots.set_identity(session, city, 42, "city_bot")
            changed = make_spec(token_env=env) if env != "CITY_TOKEN" else spec
            await public_bots.apply(session, changed, token, NOON, telegram_id)
            bot = await public_bots.by_id(session, city)
            assert bot is not None
            return bot.telegram_id, bot.username

    assert await identity("sealed anew", 42) == (42, "city_bot")
    assert await identity(None, None) == (42, "city_bot")
    assert await identity("sealed", 43) == (None, None)
    assert await identity(None, None, env=None) == (None, None)


async def test_only_bots_with_a_token_that_are_not_paused_are_to_be_served(any_database: Database, city: int) -> None:
    parks = await open_bot(any_database, [], spec=make_spec("parks"))
    async with any_database.write() as session:
        await public_bots.apply(session, make_spec("third"), None, NOON)
        await public_bots.set_paused(session, parks, NOON, is_paused=True)
        await public_bots.set_token_fault(session, city, "bots.token_refused")
        (token,) = await public_bots.to_serve(session)
    assert (token.public_bot_id, token.slug, token.encrypted, token.fault) == (
        *(city, "city", "sealed"),
        "bots.token_refused",
    )
    assert "sealed" not in repr(token)


async def test_a_fault_of_another_token_is_not_noted(any_database: Database, city: int) -> None:
    async with any_database.write() as session:
        assert not await public_bots.set_token_fault(session, city, "bots.token_refused", "an older one")
        assert await public_bots.set_token_fault(session, city, "bots.token_refused", "sealed")
        assert not await public_bots.set_token_fault(session, city, "bots.token_refused", "sealed")
