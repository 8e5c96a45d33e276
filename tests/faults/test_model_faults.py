"""A model's server in trouble, with real workers: telling them to wait, hanging, dripping, broken, refusing the key."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import limits
from tests.faults.ledger import measured, wait_for
from tests.faults.scene import Scene
from tests.servers import model_faults
from tests.servers.model_answers import Question
from tests.servers.model_faults import Override

KINDS = {
    "hang": Override(hang=True),
    "drip": Override(drip_s=0.2),
    "reset": Override(reset=True),
    "503": model_faults.error(503),
    "not JSON": model_faults.broken(),
    "HTML": model_faults.html(),
    "error inside": model_faults.error_inside(code=502),
}


@pytest.mark.parametrize("wait_s", [6, pytest.param(20, marks=pytest.mark.slow)])
def test_nobody_asks_while_one_process_was_told_to_wait(scene: Scene, wait_s: int) -> None:
    told_at: list[float] = []

    def too_many(question: Question) -> Override | None:
        if len(scene.model.calls) != 5:
            return None
        told_at.append(time.time())
        return model_faults.error(429, headers={"Retry-After": str(wait_s)})

    scene.model.behaviour = too_many
    scene.installation.start_worker("one", "--concurrency", "2")
    scene.installation.start_worker("two", "--concurrency", "2")
    scene.start_run(scene.open_bot(posts=60))
    (run,) = scene.ledger.wait_for_the_end(1)
    assert run.state == "done"
    under_way_s = 0.5
    early = [call for call in scene.model.calls if told_at[0] + under_way_s < call.started_at < told_at[0] + wait_s]
    assert early == []
    assert not scene.ledger.set_aside()
    scene.check(posts=60)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_that_comes_alone_and_passes(open_scene: Callable[..., Scene], kind: str) -> None:
    scene = open_scene(DIGEST_LLM__TIMEOUT_S="2")
    scene.model.behaviour = lambda question: KINDS[kind] if len(scene.model.calls) <= 6 else None
    scene.installation.start_worker("one", "--concurrency", "4")
    scene.start_run(scene.open_bot(posts=20))
    started = time.monotonic()
    (run,) = scene.ledger.wait_for_the_end(1)
    measured(f"six calls in a row with {kind}, to the end of the run", time.monotonic() - started)
    assert run.state == "done"
    assert not scene.ledger.set_aside()
    scene.check(posts=20)


def test_three_calls_of_ten_fail_in_all_these_ways(open_scene: Callable[..., Scene]) -> None:
    scene = open_scene(DIGEST_LLM__TIMEOUT_S="2")
    chance = random.Random(7)
    scene.model.behaviour = lambda question: chance.choice([*KINDS.values()]) if chance.random() < 0.3 else None
    scene.installation.start_worker("one", "--concurrency", "8")
    scene.start_run(scene.open_bot(posts=40))
    (run,) = scene.ledger.wait_for_the_end(1)
    assert run.state in ("done", "awaiting_approval")
    scene.check(posts=40)


@pytest.mark.slow
def test_a_key_that_is_refused_for_a_while(scene: Scene) -> None:
    """The run says why it waits, is not asked for all the time, and goes on by itself."""
    is_valid = False

    def check_key(question: Question) -> Override | None:
        return None if is_valid else model_faults.error(401, "Incorrect API key provided", code="invalid_api_key")

    scene.model.behaviour = check_key
    scene.installation.start_worker("one", "--concurrency", "8")
    scene.start_run(scene.open_bot(posts=40))

    def says_why() -> bool:
        return any((one["waits_because"] or {}).get("id") == "model.key_refused" for one in scene.status()["active"])

    wait_for(says_why, "the reason why the run waits")
    asked = len(scene.model.calls)
    assert asked <= 8
    is_valid = True
    (run,) = scene.ledger.wait_for_the_end(1)
    assert run.state == "done"
    scene.check(posts=40)


@pytest.mark.slow
def test_two_workers_use_a_limit_up_and_never_pass_it(tmp_path: Path) -> None:
    found = limits.measure(tmp_path, minutes=2)
    assert found.share >= 0.95
    assert found.refused_later == 0
