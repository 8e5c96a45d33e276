"""Floods and accidents look to a real aiogram bot as Telegram's own do."""

from __future__ import annotations

import asyncio

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.exceptions import ClientDecodeError, TelegramMigrateToChat, TelegramNetworkError, TelegramRetryAfter

from tests.servers.telegram_faults import Fault
from tests.servers.telegram_limits import FloodControl, Limits
from tests.servers.telegram_people import Person
from tests.servers.telegram_records import ApiError, Call, Chat
from tests.servers.telegram_server import TelegramServer

from .conftest import READERS

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_floods_are_refused_and_those_who_do_not_wait_are_listed(
    telegram: TelegramServer, session: AiohttpSession, admin: Bot, anna: Person
) -> None:
    telegram.limits = Limits.documented()
    await admin.send_message(7, "one")
    with pytest.raises(TelegramRetryAfter) as refusal:
        await admin.send_message(7, "two")
    assert refusal.value.retry_after == 1
    assert telegram.early_calls == []
    with pytest.raises(TelegramRetryAfter):
        await admin.send_message(7, "two, at once")
    [early] = telegram.early_calls
    assert early.call.params["text"] == "two, at once"
    assert early.asked_at < early.call.time < early.until
    anna.open_chat(READERS)
    await Bot(READERS, session=session).send_message(7, "another bot may")


def call_at(moment: float, chat_id: int, method: str = "sendMessage") -> Call:
    return Call(moment, 42, method, {"chat_id": chat_id})


async def test_each_documented_limit_lets_through_what_it_permits_and_no_more() -> None:
    flood = FloodControl(Limits.documented())
    for reader in range(30):
        flood.admit(call_at(100.0, reader), Chat(reader, "private", "Reader"))
    with pytest.raises(ApiError, match="retry after 1"):
        flood.admit(call_at(100.5, 31), Chat(31, "private", "Reader"))
    flood.admit(call_at(101.6, 31), Chat(31, "private", "Reader"))

    group = Chat(-100, "supergroup", "Desk")
    for second in range(20):
        flood.admit(call_at(200.0 + second, -100), group)
    with pytest.raises(ApiError, match="retry after 40"):
        flood.admit(call_at(220.0, -100), group)
    flood.admit(call_at(260.5, -100), group)
    assert flood.early_calls == []


async def test_edits_count_when_they_are_to_be_counted() -> None:
    chat = Chat(7, "private", "Anna")
    uncounted, counted = FloodControl(Limits(chat_interval_s=1.0)), FloodControl(Limits.documented())
    for flood in (uncounted, counted):
        flood.admit(call_at(100.0, 7), chat)
    uncounted.admit(call_at(100.1, 7, "editMessageText"), chat)
    with pytest.raises(ApiError, match="retry after 1"):
        counted.admit(call_at(100.1, 7, "editMessageText"), chat)


async def test_a_lost_answer_is_a_network_error_and_the_message_is_there_anyway(
    telegram: TelegramServer, admin: Bot, anna: Person
) -> None:
    telegram.fault = lambda call: Fault.lose_answer() if call.method == "sendMessage" else None
    with pytest.raises(TelegramNetworkError):
        await admin.send_message(7, "delivered")
    assert [message.text for message in telegram.messages(7)] == ["delivered"]
    assert telegram.calls[-1].outcome == "answer lost"


async def test_a_dropped_call_delivers_nothing(telegram: TelegramServer, admin: Bot, anna: Person) -> None:
    telegram.fault = lambda call: Fault.drop()
    with pytest.raises(TelegramNetworkError):
        await admin.send_message(7, "never seen")
    telegram.fault = None
    assert telegram.messages(7) == []
    await admin.send_message(7, "the next call works")


async def test_ordered_faults_look_like_telegrams_own(telegram: TelegramServer, admin: Bot, anna: Person) -> None:
    telegram.fault = lambda call: Fault.html(502)
    with pytest.raises(ClientDecodeError):
        await admin.send_message(7, "to a broken proxy")
    telegram.fault = lambda call: Fault.error(400, "Bad Request: …", migrate_to_chat_id=-1005)
    with pytest.raises(TelegramMigrateToChat):
        await admin.send_message(7, "to a moved chat")
    telegram.fault = lambda call: Fault.flood(30) if call.chat_id == 7 else None
    with pytest.raises(TelegramRetryAfter):
        await admin.send_message(7, "too fast")
    telegram.fault = None
    with pytest.raises(TelegramRetryAfter):
        await admin.send_message(7, "still too fast")
    assert len(telegram.early_calls) == 1
    assert telegram.messages(7) == []


async def test_a_hanging_call_ends_when_the_caller_or_the_server_gives_up(
    telegram: TelegramServer, admin: Bot, anna: Person
) -> None:
    telegram.fault = lambda call: Fault.hang() if call.params["text"] == "hang" else Fault.delay(0.01)
    with pytest.raises(TelegramNetworkError, match="timeout"):
        await admin.send_message(7, "hang", request_timeout=0.05)  # type: ignore[arg-type]  # a float works
    hanging = asyncio.create_task(admin.send_message(7, "hang"))
    await telegram.wait_for(lambda: len(telegram.calls_of("sendMessage")) == 2)
    await admin.send_message(7, "late")
    assert [message.text for message in telegram.messages(7)] == ["late"]
    await telegram.__aexit__(None, None, None)
    with pytest.raises(TelegramNetworkError):
        await hanging


async def test_what_was_asked_is_done_even_when_the_caller_has_gone(
    telegram: TelegramServer, admin: Bot, anna: Person
) -> None:
    telegram.fault = lambda call: Fault.delay(0.05)
    with pytest.raises(TelegramNetworkError, match="timeout"):
        await admin.send_message(7, "delivered late", request_timeout=0.02)  # type: ignore[arg-type]
    await telegram.wait_for(lambda: telegram.calls[-1].outcome == "unheard")
    assert [message.text for message in telegram.messages(7)] == ["delivered late"]


async def test_waiting_tells_what_happened_instead(telegram: TelegramServer, admin: Bot, anna: Person) -> None:
    await admin.send_message(7, "something else")
    with pytest.raises(TimeoutError, match="something else"):
        await telegram.wait_for(lambda: telegram.messages(8), timeout=0.01)
