"""A worker that stands still for longer than its lease, and one that is asked to stop."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from tests.faults.ledger import measured, wait_for
from tests.faults.scene import Scene


@pytest.mark.slow
def test_what_it_writes_after_it_woke_up_is_refused(any_scene: Scene) -> None:
    """SIGSTOP between the model's reply and its saving; SIGCONT when another worker has done the work again."""
    markers = any_scene.order_faults({"point": "reply.before_save", "signal": "SIGSTOP"})
    stopped = any_scene.start_bare_worker("stopped", "--concurrency", "1")
    any_scene.start_run(any_scene.open_bot(posts=20))
    wait_for(lambda: bool(list(markers.iterdir())), "the worker that stands still")
    any_scene.start_bare_worker("other", "--concurrency", "2")
    (run,) = any_scene.ledger.wait_for_the_end(1)
    assert run.state == "done"
    before = any_scene.ledger.statuses(run.id)
    stopped.send_signal(signal.SIGCONT)
    wait_for(lambda: "its result is dropped" in any_scene.installation.log("stopped"), "the refusal of the late write")
    assert any_scene.ledger.statuses(run.id) == before
    assert not any_scene.ledger.set_aside()
    any_scene.check(posts=20)


def test_sigterm_with_thirty_calls_in_flight(open_scene: Callable[..., Scene]) -> None:
    """It ends within its grace period; another worker goes on with what it had in hand, whole and at once."""
    scene = open_scene(DIGEST_LLM__MAX_CONCURRENCY="40")
    scene.model.latency_s = 60
    scene.installation.start_worker("one", "--concurrency", "30")
    scene.start_run(scene.open_bot(posts=36, batch_size=1))
    wait_for(lambda: scene.model.in_flight >= 30, "thirty calls in flight")
    scene.model.latency_s = 0.05
    scene.installation.start_worker("two", "--concurrency", "8")
    asked_at = time.time()
    assert scene.installation.terminate("one", timeout_s=40) == 0
    measured("SIGTERM with 30 calls in flight until the exit", time.time() - asked_at)
    (run,) = scene.ledger.wait_for_the_end(1)
    assert run.state == "done"
    assert not scene.ledger.set_aside()
    assert scene.ledger.rows("SELECT count(*) FROM work WHERE crashes > 0")[0][0] == 0, "handed back is not lost"
    scene.check(posts=36)
