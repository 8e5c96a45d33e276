"""The bot process as a whole: one at a time on a database, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from pipeline.adapters.token_box import TokenBox
from pipeline.pulse import owner_name
from settings import HOME, BadSettings, LlmSettings, SecuritySettings, Settings
from storage import public_bots, strangers, workers
from storage.database import Database, database_url
from storage.records import StrangerCount
from storage.schema import migrate
from telegram_bot import app
from telegram_bot.app import BadToken, make_bot, run_bot
from tests.bot.desk import ANNA, BOT_ID, STRANGER, TOKEN, Desk, utc_now
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_server import TelegramServer
from tests.support import make_settings, make_spec

HERE = owner_name().rsplit(":", 2)[0]
ANOTHER = f"{HERE}:{os.getppid()}:another1"


@pytest.fixture
def settings(hurry: None, telegram: TelegramServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(app, "TRY_EVERY_S", 0.02)
    telegram.register_bot(TOKEN, BOT_ID, "digest_bot")
    return make_settings(
        telegram={"admin_token": TOKEN, "api_url": telegram.url, "operator_ids": [ANNA]},
        database={"url": f"sqlite:///{tmp_path}/process.db"},
        engine={"mode": "local"},
    )


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    """A bot process in this one; SIGTERM stops it."""
    task = asyncio.create_task(run_bot(settings))
    try:
        yield task
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(task, 5)
    finally:
        task.cancel()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)


async def test_it_serves_until_sigterm_and_then_ends_cleanly(
    settings: Settings, telegram: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    anna = telegram.user(ANNA, "Anna", "en")
    async with running(settings):
        await anna.send(TOKEN, "/help")
        await telegram.wait_for(lambda: telegram.messages(ANNA))
    assert telegram.bot(TOKEN).commands
    assert not telegram.bot(TOKEN).updates, "what was handled is confirmed"
    assert not [record.getMessage() for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


async def test_it_warns_once_of_a_missing_key(
    settings: Settings, telegram: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings.model_copy(update={"llm": LlmSettings(provider="openai")})
    async with running(settings):
        await telegram.wait_for(lambda: telegram.bot(TOKEN).commands)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["There is no key for the model gpt-4.1-mini: set DIGEST_LLM__API_KEY."]


async def test_it_serves_the_public_bots_of_its_database_too(settings: Settings, telegram: TelegramServer) -> None:
    public_token = f"77:{TOKEN.partition(':')[2]}"
    telegram.register_bot(public_token, 77, "city_bot")
    rita = telegram.user(501, "Rita", "en")
    settings = settings.model_copy(update={"security": SecuritySettings(secret_key=SecretStr("the key"))})
    url = database_url(settings.database.url, HOME)
    await migrate(url)
    database = Database(url)
    async with database.write() as session:
        spec = make_spec(token_env="CITY_TOKEN")
        await public_bots.apply(session, spec, TokenBox("the key").encrypt(public_token), utc_now())
    await database.close()
    async with running(settings):
        await rita.send(public_token, "/start")
        await telegram.wait_for(lambda: telegram.messages(501, public_token))
    assert not telegram.bot(public_token).updates, "what was handled is confirmed"


async def test_how_often_strangers_tried_is_written_down_when_it_stops(
    settings: Settings, telegram: TelegramServer
) -> None:
    stranger = telegram.user(STRANGER, "Somebody", "en")
    async with running(settings):
        for words in ("/start", "/digest", "/status"):
            await stranger.send(TOKEN, words)
        await telegram.wait_for(lambda: telegram.messages(STRANGER) and not telegram.bot(TOKEN).updates)
    database = Database(database_url(settings.database.url, HOME))
    async with database.read() as session:
        assert await strangers.of_the_last_day(session, utc_now()) == StrangerCount(people=1, times=3)
    await database.close()


async def test_a_menu_that_cannot_be_read_does_not_end_it(settings: Settings, telegram: TelegramServer) -> None:
    anna = telegram.user(ANNA, "Anna", "en")
    telegram.fault = lambda call: Fault.html() if call.method == "setMyCommands" else None
    async with running(settings):
        await telegram.wait_for(lambda: [one for one in telegram.calls_of("setMyCommands") if one.status])
        await anna.send(TOKEN, "/help")
        await telegram.wait_for(lambda: telegram.messages(ANNA))


async def test_a_revoked_token_ends_it_with_a_sentence(settings: Settings, telegram: TelegramServer) -> None:
    await telegram.revoke_token(TOKEN)
    with pytest.raises(BadToken, match=r"DIGEST_TELEGRAM__ADMIN_TOKEN"):
        async with running(settings) as task:
            await asyncio.wait_for(task, 5)


async def test_nothing_of_it_goes_on_once_a_part_of_it_has_failed(settings: Settings, telegram: TelegramServer) -> None:
    await telegram.revoke_token(TOKEN)
    before = asyncio.all_tasks()
    with pytest.raises(BadToken):
        async with running(settings) as task:
            await asyncio.wait_for(task, 5)
    assert [one.get_coro() for one in asyncio.all_tasks() - before] == []


@pytest.mark.parametrize("token", [None, "", "no token at all"])
def test_without_a_token_the_settings_are_refused(token: str | None) -> None:
    with pytest.raises(BadSettings, match=r"telegram\.admin_token"):
        make_bot(make_settings(telegram={"admin_token": token}))


async def test_a_second_process_waits_for_the_first_and_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app, "TRY_EVERY_S", 0.02)
    first, second = replace(desk.tools, owner=ANOTHER), desk.tools
    assert await app._take_role(first, asyncio.Event())
    waiting = asyncio.create_task(app._take_role(second, asyncio.Event()))
    async with asyncio.timeout(5):
        while "waiting for it to end" not in caplog.text:
            await asyncio.sleep(0.01)
    assert not waiting.done()
    assert ANOTHER in caplog.text
    await app._free_role(first)
    assert await asyncio.wait_for(waiting, 5)
    assert caplog.text.count("waiting for it to end") == 1


async def test_a_second_process_takes_over_at_once_from_one_that_died(desk: Desk) -> None:
    died = f"{HERE}:{2**22 + 1}:another1"
    async with desk.database.write() as session:
        await workers.take_role(session, workers.BOT, died, utc_now(), workers.BOT_HOLD)
    assert await asyncio.wait_for(app._take_role(desk.tools, asyncio.Event()), 5)


async def test_a_process_that_lost_its_role_to_another_one_ends(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "KEEP_EVERY_S", 0.01)
    assert await app._take_role(replace(desk.tools, owner=ANOTHER), asyncio.Event())
    with pytest.raises(app.LostRole, match="Another bot process"):
        await asyncio.wait_for(app._keep_role(desk.tools), 5)


async def test_a_process_that_waits_can_be_stopped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "TRY_EVERY_S", 0.02)
    assert await app._take_role(replace(desk.tools, owner=ANOTHER), asyncio.Event())
    stopping = asyncio.Event()
    waiting = asyncio.create_task(app._take_role(desk.tools, stopping))
    stopping.set()
    assert not await asyncio.wait_for(waiting, 5)
