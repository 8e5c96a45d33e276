"""How operators are called and what they read is remembered, without a write for each message."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from storage.models import OperatorRow
from telegram_bot.middlewares import memory
from tests.bot.desk import ANNA, BORIS, Desk, fresh_posts
from tests.processes import until
from tests.support import make_spec


async def remembered(desk: Desk) -> dict[int, OperatorRow]:
    async with desk.database.read() as session:
        return {row.user_id: row for row in (await session.execute(select(OperatorRow))).scalars()}


async def remembers(desk: Desk, condition: Callable[[dict[int, OperatorRow]], bool]) -> OperatorRow:
    """Wait until what is remembered meets a condition, since nobody waits for it to be written; Anna's row."""

    async def is_met() -> bool:
        return condition(await remembered(desk))

    await until(is_met, "the memory of an operator")
    return (await remembered(desk))[ANNA]


async def test_whoever_writes_or_presses_is_remembered_and_a_stranger_is_not(desk: Desk) -> None:
    await desk.open(fresh_posts(1), make_spec("city"), make_spec("parks"))
    message = await desk.ask(desk.anna, "/bots")
    await desk.press(desk.boris, message, "City news")
    await desk.ask(desk.stranger, "/bots")
    await remembers(desk, lambda rows: {ANNA, BORIS} <= rows.keys())
    known = await remembered(desk)
    assert {(row.user_id, row.name, row.language) for row in known.values()} == {
        (ANNA, "Anna", "en"),
        (BORIS, "Boris", "ru"),
    }


async def test_a_second_message_writes_nothing_and_a_new_language_does(desk: Desk) -> None:
    await desk.ask(desk.anna, "/help")
    first = await remembers(desk, lambda rows: ANNA in rows)
    await desk.ask(desk.anna, "/help")
    assert (await remembered(desk))[ANNA].seen_at == first.seen_at
    desk.anna.account.language_code = "ru"
    await desk.ask(desk.anna, "/help")
    again = await remembers(desk, lambda rows: rows[ANNA].language == "ru")
    assert again.seen_at > first.seen_at


async def test_after_an_hour_they_are_seen_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.ask(desk.anna, "/help")
    first = await remembers(desk, lambda rows: ANNA in rows)
    monkeypatch.setattr(memory, "SEEN_EVERY_S", 0.0)
    await desk.ask(desk.anna, "/help")
    await remembers(desk, lambda rows: rows[ANNA].seen_at > first.seen_at)
