"""While a model takes its time, nothing waits that needs no model."""

from __future__ import annotations

import asyncio
import time

import pytest

from pipeline.services.publishing import publish
from pipeline.wiring import open_process
from storage.records import Actor
from tests.faults.ledger import measured, wait_for
from tests.faults.scene import Scene
from tests.support import make_settings

READERS = 10
A_CALL_S = 40.0  # far longer than what is promised for the rest


def make_draft(scene: Scene) -> int:
    """A digest that waits for an operator's word."""
    run_id = scene.start_run(scene.open_bot(posts=5, readers=READERS, approval=True))
    wait_for(lambda: scene.ledger.runs()[0].state == "awaiting_approval", "the draft")
    return run_id


def let_model_take_its_time(scene: Scene, calls: int) -> None:
    """Until so many calls are in flight, each of which takes long, with many more messages behind them."""
    scene.model.latency_s = A_CALL_S
    scene.start_run(scene.open_bot(posts=200, batch_size=1))
    wait_for(lambda: scene.model.in_flight >= calls, "calls in flight")


def say_publish(scene: Scene, run_id: int) -> None:
    async def publish_it() -> None:
        settings = make_settings(database={"url": scene.database_setting}, redis={"url": scene.redis.url})
        async with open_process(settings) as process:
            assert await publish(process.tools, run_id, Actor(1, "Anna"))

    asyncio.run(publish_it())


def delivered(scene: Scene) -> int:
    return sum(state == "sent" for _, _, _, state in scene.ledger.deliveries())


def test_a_worker_whose_calls_take_long_delivers_and_plans_meanwhile(scene: Scene) -> None:
    scene.installation.start_worker("worker", "--concurrency", "8")
    draft = make_draft(scene)
    let_model_take_its_time(scene, 8)
    asked_at = time.monotonic()
    say_publish(scene, draft)
    wait_for(lambda: delivered(scene) == READERS, "the delivery", A_CALL_S / 2)
    measured("a delivery while all model calls take long", time.monotonic() - asked_at)
    asked_at = time.monotonic()
    planned = scene.start_run(scene.open_bot(posts=5))
    wait_for(lambda: scene.ledger.runs()[planned - 1].state == "categorizing", "the plan of another run", A_CALL_S / 2)
    measured("a plan while all model calls take long", time.monotonic() - asked_at)
    scene.model.latency_s = 0.0
    assert scene.installation.terminate("worker", 40) == 0


@pytest.mark.slow
def test_a_worker_for_deliveries_alone_delivers_while_another_one_asks_the_model(scene: Scene) -> None:
    scene.installation.start_worker("thinks", "--concurrency", "4", "--queues", "categorize,summarize,housekeeping")
    scene.installation.start_worker("gives", "--concurrency", "4", "--queues", "deliver")
    draft = make_draft(scene)
    let_model_take_its_time(scene, 4)
    say_publish(scene, draft)
    wait_for(lambda: delivered(scene) == READERS, "the delivery", A_CALL_S / 2)
    assert "deliver_digest" in scene.installation.log("gives")
    assert "deliver_digest" not in scene.installation.log("thinks")
    scene.model.latency_s = 0.0
