"""/selftest: the model is tried through a worker, and whoever asked is never left without an answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import pytest

from pipeline.errors import BrokerUnavailable, ForPeople, Retryable
from pipeline.ports import PostText
from pipeline.services import self_testing
from pipeline.services.self_testing import do_self_test
from tests.bot.conftest import Opener
from tests.bot.desk import ANNA, Desk
from tests.servers.telegram_records import Message


async def answer(desk: Desk, message: Message, *words: str) -> str:
    """What the message says in the end, as soon as it says these words."""
    await desk.telegram.wait_for(lambda: all(word in message.text for word in words), timeout=30)
    return message.text


async def test_a_worker_tries_the_model_and_the_message_says_how_it_went(desk: Desk) -> None:
    message = await desk.ask(desk.anna, "/selftest")
    assert "A worker was asked to try the model" in message.text
    (self_test_id,) = desk.doorbell.self_tests
    await do_self_test(desk.tools, self_test_id, "worker@here")
    said = await answer(desk, message, "✅")
    assert re.match(
        r"✅ worker@here asked the model fake-1 and had a good answer in [\d.]+ s\.\nFrom your message", said
    )
    assert [kind for kind, _ in desk.model.calls] == ["categorize"]


async def test_it_speaks_the_operators_language(desk: Desk) -> None:
    message = await desk.ask(desk.boris, "/selftest")
    await do_self_test(desk.tools, desk.doorbell.self_tests[0], "worker@here")
    assert "worker@here: модель fake-1 дала хороший ответ" in await answer(desk, message, "✅")


async def test_a_task_that_is_rung_for_twice_asks_the_model_once(desk: Desk) -> None:
    await desk.ask(desk.anna, "/selftest")
    (self_test_id,) = desk.doorbell.self_tests
    await asyncio.gather(*(do_self_test(desk.tools, self_test_id, f"worker{number}@here") for number in range(3)))
    await do_self_test(desk.tools, self_test_id, "late@here")
    assert len(desk.model.calls) == 1


async def test_who_asks_while_one_goes_on_waits_for_the_same(desk: Desk) -> None:
    first, second = await desk.ask(desk.anna, "/selftest"), await desk.ask(desk.boris, "/selftest")
    (self_test_id,) = desk.doorbell.self_tests
    await do_self_test(desk.tools, self_test_id, "worker@here")
    await answer(desk, first, "✅")
    await answer(desk, second, "✅")
    assert len(desk.model.calls) == 1
    await desk.ask(desk.anna, "/selftest")
    assert len(desk.doorbell.self_tests) == 2, "the next one is a new one"


async def test_without_a_worker_it_says_how_to_start_one(desk: Desk) -> None:
    await desk.leave()
    message = await desk.ask(desk.anna, "/selftest")
    said = await answer(desk, message, "❌")
    assert said == (
        "❌ The self-test has failed.\n"
        "No worker that asks models is running. Start one with ./run_worker.sh and send /selftest again."
    )


async def test_a_worker_that_only_delivers_is_not_one_that_asks_models(desk: Desk) -> None:
    await desk.beat(queues=("deliver", "housekeeping"))
    await answer(desk, await desk.ask(desk.anna, "/selftest"), "No worker that asks models is running")


async def test_without_redis_it_says_how_to_start_it(desk: Desk) -> None:
    desk.doorbell.unreachable = BrokerUnavailable("away")
    await answer(desk, await desk.ask(desk.anna, "/selftest"), "Redis does not answer", "scripts/start_redis.sh")


FAILURES = {
    "The provider refused the key for the model fake-1": ForPeople("model.key_refused", status=401, model="fake-1"),
    "The model fake-1 does not answer (HTTP 503)": Retryable("HTTP 503"),
}


@pytest.mark.parametrize("words", FAILURES)
async def test_what_the_model_does_wrong_is_said(desk: Desk, words: str) -> None:
    async def fail(kind: str, posts: Sequence[PostText]) -> None:
        raise FAILURES[words]

    desk.model.behaviour = fail
    message = await desk.ask(desk.anna, "/selftest")
    await do_self_test(desk.tools, desk.doorbell.self_tests[0], "worker@here")
    said = await answer(desk, message, "❌", words)
    assert "Tried by: worker@here" in said


async def test_a_model_that_leaves_the_post_out_has_not_worked(desk: Desk) -> None:
    desk.model.leaves_out = lambda post: True
    message = await desk.ask(desk.anna, "/selftest")
    await do_self_test(desk.tools, desk.doorbell.self_tests[0], "worker@here")
    await answer(desk, message, "answers, but not as it was asked to (the answer is missing)")


async def test_a_model_that_hangs_ends_by_a_deadline(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_testing, "CALL_S", 0.05)
    desk.model.latency_s = 60
    message = await desk.ask(desk.anna, "/selftest")
    await do_self_test(desk.tools, desk.doorbell.self_tests[0], "worker@here")
    await answer(desk, message, "The model fake-1 gave no answer within")


async def test_a_message_that_was_lost_is_sent_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_testing, "RING_AGAIN_AFTER_S", 0.05)
    message = await desk.ask(desk.anna, "/selftest")
    await desk.telegram.wait_for(lambda: message.text)
    async with asyncio.timeout(30):
        while len(desk.doorbell.self_tests) < 2:
            await asyncio.sleep(0.01)
    assert set(desk.doorbell.self_tests) == {desk.doorbell.self_tests[0]}


async def test_a_message_behind_others_is_not_sent_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_testing, "RING_AGAIN_AFTER_S", 0.0)
    monkeypatch.setattr(self_testing, "TO_BE_BEGUN_S", 0.3)
    desk.doorbell.queue_depths = {"categorize": 40}
    message = await desk.ask(desk.anna, "/selftest")
    await answer(desk, message, "No worker came to it", "(waiting in the queue: 40)", "they are busy")
    assert len(desk.doorbell.self_tests) == 1


async def test_a_worker_that_is_killed_in_between_leaves_nobody_waiting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_testing, "TO_BE_ENDED_S", 0.3)
    desk.model.latency_s = 60
    message = await desk.ask(desk.anna, "/selftest")
    worker = asyncio.create_task(do_self_test(desk.tools, desk.doorbell.self_tests[0], "worker@here"))
    said = await answer(desk, message, "❌", "worker@here began with it and did not end it")
    assert "See /health, and its log." in said
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


async def test_a_worker_that_comes_when_nobody_waits_any_more_asks_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_testing, "TO_BE_BEGUN_S", 0.1)
    message = await desk.ask(desk.anna, "/selftest")
    await answer(desk, message, "❌")
    await do_self_test(desk.tools, desk.doorbell.self_tests[0], "late@here")
    assert desk.model.calls == []


async def test_without_workers_the_bot_tries_it_itself(open_desk: Opener, hurry: None) -> None:
    desk = await open_desk(engine={"mode": "local"})
    message = await desk.ask(desk.anna, "/selftest")
    await answer(desk, message, "✅ The bot itself asked the model fake-1")
    assert desk.doorbell.self_tests == []


async def test_a_bot_that_is_stopped_meanwhile_says_so(desk: Desk) -> None:
    message = await desk.ask(desk.anna, "/selftest")
    await desk.stop()
    assert message.text == "The bot was stopped before it had the answer. Ask again when it runs."
    assert len(desk.sent_to(ANNA)) == 1
