"""Updates: each handled, in order within a chat, confirmed afterwards, whatever the network does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aiogram import Bot, Dispatcher
from aiogram.types import Message

from telegram_bot import polling
from telegram_bot.app import make_bot
from telegram_bot.polling import Poller, Unauthorized
from tests.bot.desk import ANNA, BORIS, TOKEN, Desk, eventually
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_records import Call
from tests.servers.telegram_server import TelegramServer
from tests.support import make_settings


class Desktop:
    """A poller whose handler notes what it is told and waits where a gate is closed."""

    def __init__(self, telegram: TelegramServer, bot: Bot) -> None:
        self.telegram = telegram
        self.began: list[str] = []
        self.finished: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        dispatcher = Dispatcher()
        dispatcher.message.register(self._handle)
        self.poller = Poller(bot, dispatcher)

    async def _handle(self, message: Message) -> None:
        words = message.text or ""
        self.began.append(words)
        await self.telegram.announce()
        if words in self.gates:
            await self.gates[words].wait()
        self.finished.append(words)
        await self.telegram.announce()
        if words.startswith("fail"):
            raise RuntimeError(words)


@pytest.fixture
async def desktop(hurry: None, telegram: TelegramServer) -> AsyncIterator[Desktop]:
    telegram.register_bot(TOKEN, int(TOKEN.partition(":")[0]), "digest_bot")
    for person in (ANNA, BORIS):
        telegram.user(person, "Somebody")
    bot = make_bot(make_settings(telegram={"admin_token": TOKEN, "api_url": telegram.url}))
    yield Desktop(telegram, bot)
    await (await bot.session.create_session()).close()  # type: ignore[attr-defined]


def faults(*planned: Fault) -> Callable[[Call], Fault | None]:
    """These for the next getUpdates calls, one each."""
    left = list(planned)
    return lambda call: left.pop(0) if left and call.method == "getUpdates" else None


async def test_it_survives_whatever_the_network_does(desktop: Desktop, telegram: TelegramServer) -> None:
    conflict = Fault.error(409, "Conflict: terminated by other getUpdates request")
    telegram.fault = faults(
        Fault.html(502), Fault.error(500, "Internal Server Error"), conflict, Fault.drop(), Fault.lose_answer()
    )
    await telegram.person(ANNA).send(TOKEN, "hello")
    polls = asyncio.create_task(desktop.poller.run())
    await telegram.wait_for(lambda: desktop.finished == ["hello"])
    polls.cancel()
    assert [call.outcome for call in telegram.calls_of("getUpdates")][:5] == [
        "an HTML page",
        "Internal Server Error",
        "Conflict: terminated by other getUpdates request",
        "dropped",
        "answer lost",
    ]


async def test_it_waits_longer_and_longer(
    desktop: Desktop, telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    monkeypatch.setattr(polling, "LONGEST_BACKOFF_S", 30.0)
    monkeypatch.setattr(asyncio, "sleep", note)
    telegram.fault = faults(*[Fault.error(502, "Bad Gateway")] * 7, Fault.flood(1))
    polls = asyncio.create_task(desktop.poller.run())
    await telegram.wait_for(lambda: len(waits) >= 8)
    polls.cancel()
    assert waits[:8] == [1, 2, 4, 8, 16, 30, 30, 1]


async def test_a_revoked_token_ends_it(desktop: Desktop, telegram: TelegramServer) -> None:
    polls = asyncio.create_task(desktop.poller.run())
    await telegram.wait_for(lambda: telegram.calls_of("getUpdates"))
    await telegram.revoke_token(TOKEN)
    with pytest.raises(Unauthorized):
        await asyncio.wait_for(polls, 5)


async def test_within_a_chat_updates_are_handled_in_order_and_chats_do_not_wait_for_each_other(
    desktop: Desktop, telegram: TelegramServer
) -> None:
    gate = desktop.gates["anna 1"] = asyncio.Event()
    for words in ("anna 1", "anna 2", "anna 3"):
        await telegram.person(ANNA).send(TOKEN, words)
    await telegram.person(BORIS).send(TOKEN, "boris 1")
    polls = asyncio.create_task(desktop.poller.run())
    await telegram.wait_for(lambda: desktop.finished == ["boris 1"])
    assert "anna 2" not in desktop.began
    gate.set()
    await telegram.wait_for(lambda: len(desktop.finished) == 4)
    polls.cancel()
    assert desktop.finished == ["boris 1", "anna 1", "anna 2", "anna 3"]


async def test_a_slow_chat_keeps_its_order_when_others_are_served_meanwhile(
    desktop: Desktop, telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "HANDLERS_GET_S", 0.05)
    gate = desktop.gates["anna 1"] = asyncio.Event()
    polls = asyncio.create_task(desktop.poller.run())
    await telegram.person(ANNA).send(TOKEN, "anna 1")
    await telegram.wait_for(lambda: desktop.began)
    await telegram.person(ANNA).send(TOKEN, "anna 2")
    await telegram.person(BORIS).send(TOKEN, "boris 1")
    await telegram.wait_for(lambda: "boris 1" in desktop.finished)
    assert "anna 2" not in desktop.began
    gate.set()
    await telegram.wait_for(lambda: desktop.finished == ["boris 1", "anna 1", "anna 2"])
    polls.cancel()


async def test_an_update_is_confirmed_only_when_it_was_handled(desktop: Desktop, telegram: TelegramServer) -> None:
    gate = desktop.gates["slow"] = asyncio.Event()
    polls = asyncio.create_task(desktop.poller.run())
    await telegram.person(ANNA).send(TOKEN, "slow")
    await telegram.wait_for(lambda: desktop.began)
    assert len(telegram.bot(TOKEN).updates) == 1
    gate.set()
    await telegram.wait_for(lambda: not telegram.bot(TOKEN).updates)
    polls.cancel()


async def test_a_stop_lets_handlers_finish_and_confirms_their_updates(
    desktop: Desktop, telegram: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    gate = desktop.gates["slow"] = asyncio.Event()
    polls = asyncio.create_task(desktop.poller.run())
    await telegram.person(ANNA).send(TOKEN, "slow")
    await telegram.wait_for(lambda: desktop.began)
    polls.cancel()
    draining = asyncio.create_task(desktop.poller.drain())
    gate.set()
    await draining
    assert desktop.finished == ["slow"]
    assert not telegram.bot(TOKEN).updates
    assert "Another program" not in caplog.text


async def test_a_stop_at_the_moment_a_handler_ends_confirms_its_update(
    desktop: Desktop, telegram: TelegramServer
) -> None:
    gate = desktop.gates["slow"] = asyncio.Event()
    polls = asyncio.create_task(desktop.poller.run())
    await telegram.person(ANNA).send(TOKEN, "slow")
    await telegram.wait_for(lambda: desktop.began)
    (handling,) = desktop.poller._running.values()
    handling.add_done_callback(lambda _: polls.cancel())
    gate.set()
    await asyncio.wait([polls])
    await desktop.poller.drain()
    assert desktop.finished == ["slow"]
    assert not telegram.bot(TOKEN).updates


async def test_an_update_that_cannot_be_read_does_not_stop_those_after_it(
    desktop: Desktop, telegram: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    await telegram.inject(TOKEN, {"something_of_next_year": {"id": 1}})
    await telegram.inject(TOKEN, {"message": {"message_id": "not a number"}})
    await telegram.person(ANNA).send(TOKEN, "fail, but only here")
    await telegram.person(ANNA).send(TOKEN, "hello")
    polls = asyncio.create_task(desktop.poller.run())
    await telegram.wait_for(lambda: "hello" in desktop.finished)
    await telegram.wait_for(lambda: not telegram.bot(TOKEN).updates)
    polls.cancel()
    assert "Update 2 cannot be read" in caplog.text


async def test_a_desk_that_lost_its_connection_answers_when_it_is_back(desk: Desk, telegram: TelegramServer) -> None:
    telegram.fault = faults(*[Fault.drop()] * 3)
    assert "What I can do" in (await desk.ask(desk.anna, "/help")).text

    async def waiting() -> int:
        return len(telegram.bot(TOKEN).updates)

    await eventually(waiting, 0)
