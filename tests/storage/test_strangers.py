"""Strangers are counted, forgotten after a day, and never many rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from storage import strangers
from storage.database import Database
from storage.records import StrangerCount
from tests.support import NOON

DAY = timedelta(days=1)


async def note(database: Database, times: dict[int, int], moment: timedelta = timedelta()) -> None:
    async with database.write() as session:
        await strangers.note(session, times, NOON + moment)


async def count(database: Database, moment: timedelta = timedelta()) -> StrangerCount:
    async with database.read() as session:
        return await strangers.of_the_last_day(session, NOON + moment)


async def rows(database: Database) -> list[int]:
    async with database.read() as session:
        return list((await session.execute(text("SELECT user_id FROM strangers ORDER BY user_id"))).scalars())


async def test_tries_add_up(any_database: Database) -> None:
    assert await count(any_database) == StrangerCount(0, 0)
    await note(any_database, {5: 1, 2**40: 3})
    await note(any_database, {5: 2, 6: 1}, timedelta(hours=1))
    assert await count(any_database, timedelta(hours=1)) == StrangerCount(3, 7)


async def test_who_stays_away_for_a_day_is_forgotten(any_database: Database) -> None:
    await note(any_database, {5: 9, 6: 1})
    await note(any_database, {6: 1}, DAY / 2)
    assert await count(any_database, DAY + timedelta(seconds=1)) == StrangerCount(1, 2)
    await note(any_database, {7: 1}, DAY + timedelta(seconds=1))
    assert await rows(any_database) == [6, 7]


async def test_of_very_many_the_last_are_kept(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "MOST_KEPT", 3)
    await note(any_database, {1: 1, 2: 1, 3: 1})
    await note(any_database, {1: 1, 9: 1}, timedelta(minutes=1))
    assert len(await rows(any_database)) == 3
    assert {1, 9} < set(await rows(any_database))
