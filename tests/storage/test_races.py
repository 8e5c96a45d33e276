"""What many do at the same moment, on both databases: exactly one wins, and nothing is lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from storage import cards, posts, public_bots, ringing, runs, sources, work, workers
from storage.database import Database
from storage.records import Engine, NewRun, Period, Run, WorkKind
from tests.support import NOON, make_posts, make_spec, open_desk

T = TypeVar("T")
MANY = 20


@pytest.fixture
async def desk(any_database: Database) -> Database:
    await open_desk(any_database, make_posts(3), make_spec())
    return any_database


async def make_run(database: Database) -> Run:
    async with database.write() as session:
        bot = await public_bots.by_slug(session, "city")
        assert bot is not None
        period = Period(NOON - timedelta(days=1), NOON)
        new = NewRun(bot.id, period, 5, Engine.CELERY, "fake", "fake-1", "test", 1, 1)
        return (await runs.create(session, new, NOON))[0]


async def all_at_once(do: Callable[[int], Awaitable[T]]) -> list[T]:
    return await asyncio.gather(*(do(number) for number in range(MANY)))


async def test_two_that_have_killed_a_process_are_never_in_hand_together(desk: Database) -> None:
    """Else nobody could tell which of them killed the next one."""
    run = await make_run(desk)
    async with desk.write() as session:
        await work.add(session, run.id, WorkKind.CATEGORIZE, [[number] for number in range(MANY)], NOON)
        ids = [ring.work_id for ring in await ringing.due(session, Engine.CELERY, NOON, MANY)]
        for work_id in ids:
            claimed = await work.claim(session, work_id, "dead", NOON)
            assert claimed is not None
            await work.take_back(session, claimed, NOON, crashes=1)

    async def claim(number: int) -> bool:
        async with desk.write() as session:
            return await work.claim(session, ids[number], f"owner-{number}", NOON) is not None

    assert sum(await all_at_once(claim)) == 1


async def test_the_newest_edit_stays_in_whatever_order_they_arrive(desk: Database) -> None:
    (post,) = make_posts(1, start=50)
    edits = [replace(post, text=f"edit {number}", edited_at=NOON + timedelta(number)) for number in range(MANY)]
    random.Random(7).shuffle(edits)
    async with desk.write() as session:
        await posts.store(session, 1, [post], NOON)

    async def edit(number: int) -> None:
        async with desk.write() as session:
            await posts.store(session, 1, [edits[number]], NOON)

    await all_at_once(edit)
    async with desk.read() as session:
        assert (await posts.by_ids(session, [4]))[4].text == f"edit {MANY - 1}"


async def test_a_post_that_many_bring_is_new_once(desk: Database) -> None:
    incoming = make_posts(5, start=50)

    async def store(number: int) -> posts.Stored:
        mixed = random.Random(number).sample(incoming, 5)
        async with desk.write() as session:
            return await posts.store(session, 1, mixed, NOON)

    stored = await all_at_once(store)
    assert sum(one.new for one in stored) == 5
    assert sum(one.unchanged for one in stored) == 5 * MANY - 5


async def test_a_chat_begins_to_follow_a_run_once(desk: Database) -> None:
    run = await make_run(desk)

    async def follow(_: int) -> bool:
        async with desk.write() as session:
            return await cards.ensure(session, run.id, 5, "en", NOON)

    assert sum(await all_at_once(follow)) == 1


async def test_a_role_that_many_want_goes_to_one(desk: Database) -> None:
    async def take(number: int) -> bool:
        async with desk.write() as session:
            return await workers.take_role(session, "tick", f"owner-{number}", NOON, timedelta(seconds=10))

    assert sum(await all_at_once(take)) == 1


async def test_a_source_that_many_name_is_made_once(desk: Database) -> None:
    async def name(_: int) -> int:
        async with desk.write() as session:
            return (await sources.ensure_file_source(session, "habr", now=NOON)).id

    assert len(set(await all_at_once(name))) == 1


async def test_a_channel_that_is_added_by_many_is_one_source(desk: Database) -> None:
    async def add(number: int) -> int:
        async with desk.write() as session:
            source, _ = await sources.add_channel(
                session, chat_id=-1005, name="wire", title="Wire", username=None, added_by=number, now=NOON
            )
        return source.id

    assert len(set(await all_at_once(add))) == 1
