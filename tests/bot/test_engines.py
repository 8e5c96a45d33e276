"""Who does the work when the broker is away."""

from __future__ import annotations

import logging

import pytest

from pipeline.errors import BrokerUnavailable
from storage.records import Engine, RunState
from tests.bot.conftest import Opener
from tests.bot.desk import ANNA, TOKEN, fresh_posts
from tests.support import FakeDoorbell


def broken_doorbell() -> FakeDoorbell:
    doorbell = FakeDoorbell()
    doorbell.unreachable = BrokerUnavailable("OperationalError: Error 111")
    return doorbell


async def test_without_the_broker_the_bot_does_the_run_itself_and_says_so(
    hurry: None, open_desk: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    desk = await open_desk(doorbell=broken_doorbell(), has_local_engine=True)
    await desk.open(fresh_posts(7))
    await desk.ask(desk.anna, "/digest")
    card = await desk.card(ANNA, "The digest is ready")
    await desk.digest(ANNA)
    run = await desk.the_run()
    assert (run.state, run.engine) == (RunState.DONE, Engine.LOCAL)
    assert "Redis does not answer, so this run is done inside the bot. Start Redis with" in card.text
    assert "./run_worker.sh" not in card.text
    assert any(record.levelno == logging.WARNING and "broker" in record.message for record in caplog.records)


async def test_where_the_bot_may_not_do_it_the_run_waits_and_the_operator_is_told(
    hurry: None, open_desk: Opener
) -> None:
    doorbell = broken_doorbell()
    desk = await open_desk(doorbell=doorbell, has_local_engine=True, engine={"fallback": False})
    await desk.open(fresh_posts(3))
    await desk.anna.send(TOKEN, "/digest")
    await desk.telegram.wait_for(lambda: any("scripts/start_redis.sh" in one.text for one in desk.sent_to(ANNA)))
    run = await desk.the_run()
    assert (run.state, run.engine) == (RunState.QUEUED, Engine.CELERY)
    await desk.card(ANNA, "Waiting in the queue")
    doorbell.unreachable = None
    await desk.work()
    await desk.digest(ANNA)


async def test_a_broker_that_goes_away_during_a_run_is_told_on_the_card(
    hurry: None, open_desk: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telegram_bot.broker_watch.ASK_EVERY_S", 0.1)
    doorbell = FakeDoorbell()
    desk = await open_desk(doorbell=doorbell)
    await desk.open(fresh_posts(3))
    await desk.beat()
    await desk.ask(desk.anna, "/digest")
    doorbell.unreachable = BrokerUnavailable("ConnectionError: Error 111")
    card = await desk.card(ANNA, "Redis does not answer", "goes on by itself")
    doorbell.unreachable = None
    await desk.telegram.wait_for(lambda: "Redis" not in card.text)
    await desk.work()
    await desk.digest(ANNA)


async def test_in_local_mode_no_worker_is_missed(hurry: None, open_desk: Opener) -> None:
    desk = await open_desk(has_local_engine=True, engine={"mode": "local"})
    await desk.open(fresh_posts(3))
    card = await desk.ask(desk.anna, "/digest")
    await desk.digest(ANNA)
    assert not any("No worker" in text or "Redis" in text for text in card.texts)
