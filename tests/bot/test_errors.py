"""Bugs are told with a number that the log has too."""

from __future__ import annotations

import re

import pytest

from telegram_bot.routers import digests, status
from tests.bot.desk import ANNA, BORIS, Desk, fresh_posts

NUMBER = re.compile(r"\b[0-9a-f]{6}\b")


async def break_down(*_: object, **__: object) -> None:
    raise RuntimeError("the roof has come down")


@pytest.mark.parametrize("who", [ANNA, BORIS])
async def test_a_bug_is_told_with_the_number_that_the_log_has(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, who: int
) -> None:
    monkeypatch.setattr(status, "load_overview", break_down)
    answer = await desk.ask(desk.telegram.person(who), "/status")
    assert ("Something went wrong" if who == ANNA else "Что-то сломалось") in answer.text
    assert "roof" not in answer.text
    number = NUMBER.search(answer.text)
    assert number is not None
    (line,) = [record for record in caplog.records if vars(record).get("error_id") == number.group()]
    assert line.exc_info is not None
    assert "the roof has come down" in str(line.exc_info[1])


async def test_a_bug_behind_a_button_is_told_over_the_chat(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.open(fresh_posts(1))
    card = await desk.ask(desk.anna, "/digest")
    monkeypatch.setattr(digests, "cancel_run", break_down)
    told = await desk.press(desk.anna, card, "Cancel")
    number = NUMBER.search(told)
    assert number is not None
    assert number.group() in [vars(record).get("error_id") for record in caplog.records]


async def test_a_button_of_an_older_version_is_answered(desk: Desk) -> None:
    await desk.open(fresh_posts(1))
    card = await desk.ask(desk.anna, "/digest")
    assert card.reply_markup is not None
    card.reply_markup["inline_keyboard"][0][0]["callback_data"] = "c0:1"
    assert "out of date" in await desk.press(desk.anna, card, "c0:1")
