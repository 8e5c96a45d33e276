"""Answers to readers take their place among the messages that a bot may send."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import AnswerCallbackQuery, GetMe, SendMessage, TelegramMethod

from telegram_bot.readers.manners import Manners

BOT = Bot("42:AAA")
SLEEP = asyncio.sleep


class Limiter:
    """Says to each reservation what it is told to; remembers what was asked for."""

    def __init__(self, *waits: float, pause_s: float = 0.0) -> None:
        self._waits: Iterator[float] = iter(waits)
        self.pause_s = pause_s
        self.reserved = 0

    async def reserve(self, public_bot_id: int, messages: int) -> float:
        self.reserved += messages
        return next(self._waits, 0.0)

    async def pause(self, public_bot_id: int, seconds: float) -> None:
        self.pause_s = seconds

    async def pause_left_s(self, public_bot_id: int) -> float:
        return self.pause_s

    async def close(self) -> None:
        """Nothing to close."""


class Line:
    """The way to Telegram: `called` are the methods that went out, `slept` the waits before them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, limiter: Limiter) -> None:
        self.called: list[str] = []
        self.slept: list[float] = []
        self._manners = Manners(limiter, per_chat_interval_s=1.0, silence=limiter.pause)
        self._manners.learn(BOT, 1)
        monkeypatch.setattr(asyncio, "sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.slept.append(round(seconds, 2))
        await SLEEP(0)

    async def call(self, method: TelegramMethod[Any], refusal: Exception | None = None) -> None:
        async def make_request(bot: Bot, method: TelegramMethod[Any]) -> Any:
            self.called.append(type(method).__name__)
            if refusal is not None:
                raise refusal

        await self._manners(make_request, BOT, method)


def message(chat_id: int = 501) -> SendMessage:
    return SendMessage(chat_id=chat_id, text="Hello")


async def test_an_answer_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = Limiter(0.04)
    line = Line(monkeypatch, limiter)
    await line.call(message())
    assert (line.called, line.slept, limiter.reserved) == (["SendMessage"], [0.04], 1)


async def test_where_there_is_no_turn_yet_it_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = Limiter(4.0, 0.5)
    line = Line(monkeypatch, limiter)
    await line.call(message())
    assert (line.called, line.slept, limiter.reserved) == (["SendMessage"], [4.0, 0.5], 2)


async def test_it_is_dropped_where_the_wait_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(monkeypatch, Limiter(60.0))
    with pytest.raises(TelegramRetryAfter):
        await line.call(message())
    assert (line.called, line.slept) == ([], [])


async def test_the_next_answer_to_a_chat_waits_and_one_to_another_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(monkeypatch, Limiter())
    for chat_id in (501, 502, 501):
        await line.call(message(chat_id))
    assert len(line.slept) == 1
    assert line.slept[0] > 0.9


async def test_the_answer_to_a_press_takes_no_place_but_keeps_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = Limiter(60.0)
    line = Line(monkeypatch, limiter)
    await line.call(AnswerCallbackQuery(callback_query_id="1"))
    assert limiter.reserved == 0
    limiter.pause_s = 5.0
    with pytest.raises(TelegramRetryAfter):
        await line.call(AnswerCallbackQuery(callback_query_id="2"))
    await line.call(GetMe())
    assert line.called == ["AnswerCallbackQuery", "GetMe"]


async def test_what_telegram_says_to_an_answer_is_told_to_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = Limiter()
    line = Line(monkeypatch, limiter)
    with pytest.raises(TelegramRetryAfter):
        await line.call(message(), TelegramRetryAfter(message(), "Too Many Requests", 17))
    assert limiter.pause_s == 17
