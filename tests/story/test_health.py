"""The person who keeps it running looks, in the chat and in a terminal: a worker and the bot are real processes."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.processes import DEADLINE_S, Installation, until
from tests.servers.model_server import ModelServer
from tests.servers.telegram_people import Person
from tests.servers.telegram_records import Message
from tests.servers.telegram_server import TelegramServer
from tests.story.conftest import OPERATOR, TOKEN


async def ask(telegram: TelegramServer, person: Person, text: str) -> Message:
    """Send a message; the bot's next one."""
    known = len(telegram.messages(person.id))
    await person.send(TOKEN, text)
    await telegram.wait_for(lambda: len(telegram.messages(person.id)) > known, timeout=DEADLINE_S)
    return telegram.messages(person.id)[known]


async def says(telegram: TelegramServer, message: Message, words: str) -> str:
    await telegram.wait_for(lambda: words in message.text, timeout=DEADLINE_S)
    return message.text


async def doctor(installation: Installation) -> tuple[int, str]:
    """In a thread: the servers that it asks are on this loop."""
    done = await asyncio.to_thread(installation.pipeline, "doctor", check=False)
    assert not done.stderr
    return done.returncode, done.stdout


@pytest.mark.slow
async def test_a_look_at_an_installation_that_works_and_then_loses_its_worker(
    installation: Installation, telegram: TelegramServer, model: ModelServer
) -> None:
    installation.start_worker("first")
    installation.start_bot()
    anna = telegram.user(OPERATOR, "Anna")
    await telegram.wait_for(lambda: telegram.calls_of("getUpdates"), timeout=DEADLINE_S)
    await until(lambda: "ready" in installation.log("first"), "a worker")

    said = await says(telegram, await ask(telegram, anna, "/selftest"), "had a good answer")
    assert "first@" in said
    assert "the model gpt-4.1-mini" in said
    (call,) = model.calls
    assert call.kind == "categorization"

    said = await says(telegram, await ask(telegram, anna, "/health"), "All is well")
    assert "Fine: Settings, Database, Disk, Redis, Workers, Queues, Tick, Bot, Model, Telegram" in said
    code, printed = await doctor(installation)
    assert code == 0, printed

    model.latency_s = 25.0
    message = await ask(telegram, anna, "/selftest")
    await until(lambda: model.in_flight > 0, "the worker at it")
    said = await says(telegram, await ask(telegram, anna, "/status --tasks"), "active: 1")
    assert "test_ai_service(2) · of no run" in said
    tasks = json.loads((await asyncio.to_thread(installation.pipeline, "status", "--tasks", "--json")).stdout)
    assert [task["name"] for worker in tasks["workers"] for task in worker["active"]] == ["test_ai_service"]

    await asyncio.to_thread(installation.terminate, "first")
    said = await says(telegram, message, "❌")
    assert "began with it and did not end it: it was stopped or killed" in said
    model.latency_s = 0.0
    code, printed = await doctor(installation)
    assert code == 1
    assert "✗ Workers: none answers" in printed
    said = await says(telegram, await ask(telegram, anna, "/health"), "1 thing is wrong")
    assert "❌ Workers: none answers" in said
    await says(telegram, await ask(telegram, anna, "/selftest"), "No worker that asks models is running")

    installation.environment["DIGEST_DIGEST__BATCH_SIZE"] = "many"
    code, printed = await doctor(installation)
    assert code == 2
    assert "✗ Settings: The setting digest.batch_size" in printed
    assert "✗ Workers: none answers" in printed, "it goes on with what can be checked"
