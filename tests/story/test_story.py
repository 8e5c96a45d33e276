"""One evening at the desk, with everything real but the model and Telegram."""

from __future__ import annotations

import json
import re
import time
import tomllib
from itertools import pairwise

import pytest

from settings import HOME
from tests.processes import Installation, until
from tests.servers.model_server import ModelServer
from tests.servers.telegram_records import Message
from tests.servers.telegram_server import TelegramServer
from tests.story.conftest import OPERATOR, TOKEN

PERIOD = "2026-11-02..2026-11-03"
DEADLINE_S = 60.0
CANCELLED_WITHIN_S = 2.0  # docs/reliability.md


def prepare(installation: Installation) -> None:
    samples = HOME / "samples"
    installation.pipeline("import", str(samples / "posts_en.jsonl"), "--source", "samples-en")
    installation.pipeline("import", str(samples / "posts_ru.jsonl"), "--source", "samples-ru")
    installation.pipeline("bots", "apply", str(samples / "bots.toml"))


def english_bot(installation: Installation) -> str:
    bots = tomllib.loads(installation.pipeline("bots", "export").stdout)["public_bots"]
    return next(str(bot["slug"]) for bot in bots if bot["language"] == "en")


async def first_message(telegram: TelegramServer, chat: int) -> Message:
    """What the bot said first in this chat, as soon as it has."""
    await telegram.wait_for(lambda: telegram.messages(chat), timeout=DEADLINE_S)
    return telegram.messages(chat)[0]


def nothing_waits(installation: Installation) -> bool:
    """Whether all queues are empty."""
    status = json.loads(installation.pipeline("status", "--json").stdout)
    return not any(status["queues"].values())


async def test_an_operator_gets_a_digest(
    installation: Installation, telegram: TelegramServer, model: ModelServer
) -> None:
    prepare(installation)
    slug = english_bot(installation)
    installation.start_worker()
    installation.start_bot()
    anna, stranger = telegram.user(OPERATOR, "Anna"), telegram.user(666, "Mallory")
    await telegram.wait_for(lambda: telegram.calls_of("getUpdates"), timeout=DEADLINE_S)

    asked = time.monotonic()
    await anna.send(TOKEN, f"/digest {slug} {PERIOD} 6")
    card = await first_message(telegram, OPERATOR)
    assert time.monotonic() - asked < 10
    assert "Cancel" in [button["text"] for button in card.buttons(0)]
    await telegram.wait_for(lambda: len(telegram.messages(OPERATOR)) > 1, timeout=DEADLINE_S)
    digest = telegram.messages(OPERATOR)[1]

    states = list(dict.fromkeys(version.text for version in card.history))
    assert len(states) >= 3
    assert "ready" in states[-1]
    assert not list(card.buttons())
    assert "token" in states[-1]
    assert "cost" in states[-1]
    times = [version.time for version in card.history]
    assert all(later - earlier >= 1.9 for earlier, later in pairwise(times))
    assert digest.links
    assert all(re.match(r"https://example\.(org|com)/", link) for link in digest.links)
    chosen = [text for call in model.calls if call.kind == "summarization" for text in call.posts.values()]
    assert 1 <= len(chosen) <= 6

    await anna.send(TOKEN, "/status")
    await telegram.wait_for(lambda: "Last digests" in telegram.messages(OPERATOR)[-1].text, timeout=DEADLINE_S)
    assert "worker is ready" in telegram.messages(OPERATOR)[-1].text

    calls_before = len(model.calls)
    await stranger.send(TOKEN, f"/digest {slug} {PERIOD}")
    answer = await first_message(telegram, 666)
    assert "666" in answer.text
    assert len(model.calls) == calls_before
    assert installation.pipeline("status").stdout.count("run ") == 1
    for name in ("worker", "bot"):
        assert TOKEN not in installation.log(name)
        assert "sk-story" not in installation.log(name)
    assert installation.terminate("worker") == 0
    assert installation.terminate("bot") == 0


async def test_after_cancel_no_new_model_call_is_made(
    installation: Installation, telegram: TelegramServer, model: ModelServer
) -> None:
    prepare(installation)
    model.latency_s = 1.0
    installation.start_worker()
    installation.start_bot()
    anna = telegram.user(OPERATOR, "Anna")
    await telegram.wait_for(lambda: telegram.calls_of("getUpdates"), timeout=DEADLINE_S)
    await anna.send(TOKEN, f"/digest {english_bot(installation)} {PERIOD}")
    card = await first_message(telegram, OPERATOR)
    await until(lambda: bool(model.calls), "the first model call")
    await anna.press(card, "Cancel")
    cancelled_at = time.time()
    await telegram.wait_for(lambda: "Cancelled" in card.text, timeout=DEADLINE_S)
    await until(lambda: model.in_flight == 0 and nothing_waits(installation), "the end of what was in flight")
    assert model.calls_started_after(cancelled_at + CANCELLED_WITHIN_S) == []
    assert len(telegram.messages(OPERATOR)) == 1


async def test_without_a_worker_the_card_says_so_and_the_run_waits(
    installation: Installation, telegram: TelegramServer
) -> None:
    prepare(installation)
    installation.start_bot()
    anna = telegram.user(OPERATOR, "Anna", "ru")
    await telegram.wait_for(lambda: telegram.calls_of("getUpdates"), timeout=DEADLINE_S)
    await anna.send(TOKEN, f"/digest {english_bot(installation)} {PERIOD} 3")
    card = await first_message(telegram, OPERATOR)
    await telegram.wait_for(lambda: "./run_worker.sh" in card.text, timeout=DEADLINE_S)
    installation.start_worker()
    await telegram.wait_for(lambda: len(telegram.messages(OPERATOR)) > 1, timeout=DEADLINE_S)
    assert "./run_worker.sh" not in card.text


@pytest.mark.parametrize("latency_s", [0.3, 1.0], ids=["the run ends meanwhile", "the run is still going on"])
async def test_after_a_restart_of_the_bot_the_card_goes_on(
    installation: Installation, telegram: TelegramServer, model: ModelServer, latency_s: float
) -> None:
    prepare(installation)
    model.latency_s = latency_s
    installation.start_worker()
    installation.start_bot()
    anna = telegram.user(OPERATOR, "Anna")
    await telegram.wait_for(lambda: telegram.calls_of("getUpdates"), timeout=DEADLINE_S)
    await anna.send(TOKEN, f"/digest {english_bot(installation)} {PERIOD} 4")
    card = await first_message(telegram, OPERATOR)
    await telegram.wait_for(lambda: len(card.history) > 1, timeout=DEADLINE_S)
    installation.kill("bot")
    await telegram.wait_for(lambda: len(telegram.messages(OPERATOR)) > 1, timeout=DEADLINE_S)
    assert telegram.messages(OPERATOR)[0] is card
    assert "ready" in card.text
    await anna.send(TOKEN, "/status")
    await telegram.wait_for(lambda: "Last digests" in telegram.messages(OPERATOR)[-1].text, timeout=DEADLINE_S)
    assert len(telegram.messages(OPERATOR)) == 3, "nothing but the card, the digest and the status"
