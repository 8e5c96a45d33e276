"""Operators hear of faults unasked: each at least once, in their language, and never as a flood."""

from __future__ import annotations

import asyncio

import pytest

from storage import operators
from storage.records import Operator
from telegram_bot import herald
from tests.bot.conftest import Opener
from tests.bot.desk import ANNA, BORIS, STRANGER, TOKEN, Desk, eventually, fresh_posts, utc_now
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_records import Call
from tests.servers.telegram_server import TelegramServer

FAULTS = ("bots.token_refused", "bots.token_missing", "bots.secret_key_lost")


@pytest.fixture
async def desk(desk: Desk) -> Desk:
    """With a public bot, and operators of whom it is known what they read."""
    await desk.open(fresh_posts(1))
    async with desk.database.write() as session:
        await operators.seen(session, Operator(BORIS, "Boris", "ru"), utc_now())
    return desk


async def report(desk: Desk, *message_ids: str) -> None:
    async with desk.database.write() as session:
        for message_id in message_ids:
            await operators.report(session, message_id, utc_now(), public_bot_id=1)


async def all_told(desk: Desk) -> None:
    """Wait until no fault is left to be told."""

    async def untold() -> int:
        async with desk.database.read() as session:
            return len(await operators.untold(session))

    await eventually(untold, 0)


async def some_looks() -> None:
    await asyncio.sleep(5 * herald.LOOK_EVERY_S)


def sent(desk: Desk) -> dict[int, int]:
    """How many messages everybody has got."""
    return {one: len(desk.sent_to(one)) for one in (ANNA, BORIS, STRANGER)}


async def test_every_operator_is_told_once_in_their_language_which_bot_it_is(desk: Desk) -> None:
    await report(desk, "bots.token_refused")
    to_anna, to_boris = await desk.arrival(ANNA, 0), await desk.arrival(BORIS, 0)
    assert to_anna.text.startswith("⚠️ Please have a look\n\nCity news, just now\nTelegram does not accept this public")
    assert "python -m pipeline bots apply FILE.toml" in to_anna.text
    assert to_boris.text.startswith("⚠️ Нужно ваше внимание\n\nCity news, только что\nTelegram не принимает токен")
    await all_told(desk)
    await some_looks()
    assert sent(desk) == {ANNA: 1, BORIS: 1, STRANGER: 0}


async def test_after_a_restart_it_is_not_told_again(desk: Desk) -> None:
    await report(desk, "bots.token_refused")
    await all_told(desk)
    await desk.stop()
    await desk.start()
    await some_looks()
    assert sent(desk) == {ANNA: 1, BORIS: 1, STRANGER: 0}


async def test_what_was_reported_while_the_bot_was_away_is_told_when_it_is_back(desk: Desk) -> None:
    await desk.kill()
    await report(desk, "bots.token_refused")
    await desk.start()
    await desk.arrival(ANNA, 0)
    await desk.arrival(BORIS, 0)


async def test_several_faults_share_a_message(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(herald, "BETWEEN_NEWS_S", 0.5)
    await report(desk, FAULTS[0])
    first = await desk.arrival(ANNA, 0)
    for message_id in FAULTS[1:]:
        await report(desk, message_id)
    second = await desk.arrival(ANNA, 1)
    await all_told(desk)
    assert second.sent_at - first.sent_at >= 0.45
    assert second.text.count("City news") == 2
    assert sent(desk) == {ANNA: 2, BORIS: 2, STRANGER: 0}


async def test_while_telegram_is_away_it_is_tried_again(desk: Desk, telegram: TelegramServer) -> None:
    telegram.fault = lambda call: Fault.html() if call.method == "sendMessage" else None
    await report(desk, "bots.token_refused")
    await telegram.wait_for(lambda: len(telegram.calls_of("sendMessage")) >= 4)
    assert sent(desk) == {ANNA: 0, BORIS: 0, STRANGER: 0}
    telegram.fault = None
    await desk.arrival(ANNA, 0)
    await desk.arrival(BORIS, 0)
    await all_told(desk)


async def test_whoever_was_told_is_not_told_again_while_another_one_waits(desk: Desk, telegram: TelegramServer) -> None:
    def flood_for_boris(call: Call) -> Fault | None:
        return Fault.error(429, "Too Many Requests: retry after 1", retry_after=1) if call.chat_id == BORIS else None

    telegram.fault = flood_for_boris
    await report(desk, "bots.token_refused")
    await desk.arrival(ANNA, 0)
    telegram.fault = None
    await desk.arrival(BORIS, 0)
    await all_told(desk)
    assert sent(desk) == {ANNA: 1, BORIS: 1, STRANGER: 0}
    assert not [early for early in telegram.early_calls if early.call.chat_id == BORIS]


async def test_an_operator_who_blocked_the_bot_holds_up_nobody(desk: Desk) -> None:
    await desk.anna.block(TOKEN)
    await report(desk, "bots.token_refused")
    await desk.arrival(BORIS, 0)
    await all_told(desk)
    assert sent(desk) == {ANNA: 0, BORIS: 1, STRANGER: 0}


async def test_killed_while_it_tells_it_tells_whoever_does_not_know_yet(desk: Desk, telegram: TelegramServer) -> None:
    telegram.fault = lambda call: Fault.hang() if call.chat_id == BORIS else None
    await report(desk, "bots.token_refused")
    await desk.arrival(ANNA, 0)
    await desk.kill()
    telegram.fault = None
    await desk.start()
    await desk.arrival(BORIS, 0)
    await all_told(desk)


async def test_without_operators_faults_wait_for_the_first_one(hurry: None, open_desk: Opener) -> None:
    desk = await open_desk(operator_ids=())
    await desk.open(fresh_posts(1))
    await report(desk, "bots.token_refused")
    await some_looks()
    async with desk.database.read() as session:
        assert len(await operators.untold(session)) == 1
