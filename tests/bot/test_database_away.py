"""The database takes nothing for a while: the bot says so, repeats nothing in a chat, and goes on when it is back."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from storage import cards, runs
from tests.bot.desk import ANNA, Desk, fresh_posts
from tests.processes import until
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_server import TelegramServer

FULL, LOCKED = "database or disk is full", "database is locked"
CODES = {FULL: sqlite3.SQLITE_FULL, LOCKED: sqlite3.SQLITE_BUSY}
Function = Callable[..., Awaitable[Any]]


class Away:
    """Makes one thing impossible that is done to the database, until it `is_over`; `tries` counts how often it was."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, words: str = FULL) -> None:
        self.is_over = False
        self.tries = 0
        do: Function = getattr(where, name)

        async def refuse(*args: Any, **kwargs: Any) -> Any:
            if self.is_over:
                return await do(*args, **kwargs)
            self.tries += 1
            cause = sqlite3.OperationalError(words)
            cause.sqlite_errorcode = CODES[words]
            raise OperationalError("an insert", {}, cause)

        monkeypatch.setattr(where, name, refuse)


async def test_a_new_card_is_sent_once_however_long_it_cannot_be_stored(
    desk: Desk, telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(monkeypatch, cards, "shown")
    await desk.open(fresh_posts(3))
    card = await desk.ask(desk.anna, "/digest")
    await until(lambda: away.tries >= 3, "three tries", 10)
    away.is_over = True
    await desk.work()
    await desk.card(ANNA, "The digest is ready")
    (digest,) = await desk.digest(ANNA)
    await desk.settle()
    assert desk.sent_to(ANNA) == [card, digest]


async def test_a_part_that_arrived_is_in_no_doubt_because_it_cannot_be_noted_yet(
    desk: Desk, telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(monkeypatch, cards, "sent")
    await desk.open(fresh_posts(3))
    card = await desk.ask(desk.anna, "/digest")
    await desk.work()
    (digest,) = await desk.digest(ANNA)
    await until(lambda: away.tries >= 3, "three tries", 10)
    away.is_over = True
    await desk.settle()
    assert desk.sent_to(ANNA) == [card, digest]


async def test_a_part_that_certainly_did_not_arrive_is_sent_once_that_can_be_noted(
    desk: Desk, telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(monkeypatch, cards, "not_sent")
    refusals = [Fault.flood(1)]
    telegram.fault = lambda call: refusals.pop() if "text_link" in str(call.params) and refusals else None
    await desk.open(fresh_posts(3))
    card = await desk.ask(desk.anna, "/digest")
    await desk.work()
    await until(lambda: away.tries >= 3, "three tries", 10)
    away.is_over = True
    (digest,) = await desk.digest(ANNA)
    await desk.settle()
    assert desk.sent_to(ANNA) == [card, digest]


async def test_a_doubt_is_told_once_however_long_it_cannot_be_noted(
    desk: Desk, telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(monkeypatch, cards, "sent")
    telegram.fault = lambda call: Fault.lose_answer() if "text_link" in str(call.params) else None
    await desk.open(fresh_posts(3))
    card = await desk.ask(desk.anna, "/digest")
    await desk.work()
    await until(lambda: away.tries >= 3, "three tries", 10)
    away.is_over = True
    await desk.settle()
    (doubt,) = [one for one in desk.sent_to(ANNA) if "may not have arrived" in one.text]
    assert desk.sent_to(ANNA) == [card, *desk.digests(ANNA), doubt]


@pytest.mark.parametrize(("words", "said"), [(FULL, "is full"), (LOCKED, "does not answer")])
async def test_an_operator_who_asks_is_told_what_is_wrong_and_what_to_do(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, words: str, said: str
) -> None:
    away = Away(monkeypatch, runs, "create", words)
    await desk.open(fresh_posts(3))
    answer = await desk.ask(desk.anna, "/digest")
    assert said in answer.text
    assert "again" in answer.text
    away.is_over = True
    await desk.ask(desk.anna, "/digest")
    await desk.card(ANNA, "fake-1")
