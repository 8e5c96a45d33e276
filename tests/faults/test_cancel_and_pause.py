"""An operator says stop: within two seconds nothing more is asked of the model, and nothing more is sent."""

from __future__ import annotations

import time

import pytest

from tests.faults.desk import Desk
from tests.faults.ledger import measured, wait_for
from tests.faults.scene import PERIOD
from tests.servers.telegram_records import Call

PROMISED_S = 2.0
READERS = 60


def is_sending(call: Call) -> bool:
    return call.method == "sendMessage" and call.bot_id != 4242


@pytest.mark.slow
def test_cancelled_in_a_run(desk: Desk) -> None:
    scene = desk.scene
    scene.model.latency_s = 0.5
    slug = scene.open_bot(posts=60)
    scene.start_bare_worker("one", "--concurrency", "3")
    desk.start_bot()
    desk.say(f"/digest {slug} {PERIOD}")
    wait_for(lambda: len(scene.model.calls) >= 4, "the fourth model call")
    desk.say("/cancel")
    said_at = time.time()
    (run,) = scene.ledger.wait_for_the_end(1)
    assert run.state == "cancelled"
    desk.message("Cancelled")
    wait_for(lambda: scene.model.in_flight == 0 and scene.ledger.queued() == 0, "the end of what was under way")
    late = [call.started_at - said_at for call in scene.model.calls_started_after(said_at)]
    measured("/cancel until the last model call began", max(late, default=0.0))
    assert all(after_s < PROMISED_S for after_s in late)
    assert len(scene.model.calls) < 12
    scene.check(posts=60)


def test_paused_and_cancelled_in_a_delivery(desk: Desk) -> None:
    scene = desk.scene
    scene.installation.environment["DIGEST_DELIVERY__MESSAGES_PER_SECOND"] = "5"
    slug = scene.open_bot(posts=4, readers=READERS)
    scene.start_bare_worker("one")
    desk.start_bot()
    desk.say(f"/digest {slug} {PERIOD}")
    wait_for(lambda: len(calls(desk)) >= 10, "the tenth message")
    wait_for(lambda: desk.has_button("Pause"), "the button")
    paused_at = desk.press("Pause")
    wait_for(lambda: desk.has_button("Resume"), "the other button")
    time.sleep(2 * PROMISED_S)
    late = [call.time - paused_at for call in calls(desk) if call.time > paused_at]
    measured("Pause until the last message to a reader", max(late, default=0.0))
    assert all(after_s < PROMISED_S for after_s in late)
    sent = len(calls(desk))
    assert sent < READERS - 10
    (run,) = scene.ledger.look()
    assert run.why == "paused"

    desk.press("Resume")
    wait_for(lambda: len(calls(desk)) >= sent + 5, "messages after the pause")
    cancelled_at = desk.say("/cancel")
    (run,) = scene.ledger.wait_for_the_end(1)
    assert run.state == "cancelled"
    desk.message("Cancelled")
    time.sleep(PROMISED_S)
    late = [call.time - cancelled_at for call in calls(desk) if call.time > cancelled_at]
    measured("/cancel until the last message to a reader", max(late, default=0.0))
    assert all(after_s < PROMISED_S for after_s in late)
    scene.check(posts=4)
    states = [state for *_, state in scene.ledger.deliveries()]
    assert len(states) == READERS
    assert 0 < states.count("sent") == len(calls(desk)) < READERS
    assert set(states) == {"sent", "failed"}


def calls(desk: Desk) -> list[Call]:
    """What was sent to the readers."""
    return [call for call in list(desk.scene.telegram.calls) if is_sending(call)]
