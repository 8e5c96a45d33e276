"""`kill -9` of a worker and no human near: its script starts it again, and the run goes on."""

from __future__ import annotations

import random
import time

import pytest

from tests.faults.ledger import measured, wait_for
from tests.faults.scene import Scene


def test_it_goes_on_by_itself(scene: Scene) -> None:
    scene.model.latency_s = 0.3
    scene.installation.start_worker("one", "--concurrency", "2")
    scene.start_run(scene.open_bot(posts=40))
    wait_for(lambda: len(scene.model.calls) >= 3, "the third model call")
    scene.installation.kill("one")
    killed_at = time.time()
    wait_for(lambda: scene.installation.log("one").count("ready.") == 2, "the next life of the worker")
    measured("kill -9 of the worker until it is ready again", time.time() - killed_at)
    (run,) = scene.ledger.wait_for_the_end(1)
    measured("kill -9 of the worker until the end of a run of 40", time.time() - killed_at)
    assert run.state == "done"
    assert not scene.ledger.set_aside()
    scene.check(posts=40)


@pytest.mark.parametrize("kills", [3, pytest.param(25, marks=pytest.mark.slow)])
def test_killed_again_and_again_under_load(any_scene: Scene, kills: int) -> None:
    """Two workers with several runs and deliveries in hand; one of them is killed every now and then."""
    chance = random.Random(20261124)
    any_scene.model.latency_s = 0.4
    for name in ("one", "two"):
        any_scene.start_bare_worker(name, "--concurrency", "4")
    number = 0
    for kill in range(kills):
        if kill % 4 == 0:
            any_scene.start_run(any_scene.open_bot(posts=40, readers=12))
            number += 1
        any_scene.wait_for_calls(chance.randrange(2, 6))
        any_scene.kill(chance.choice(["one", "two"]))
        any_scene.wait_for_a_death()
    runs = any_scene.ledger.wait_for_the_end(number, timeout_s=300)
    assert [run.state for run in runs] == ["done"] * number
    any_scene.check()
    assert not any_scene.ledger.set_aside()
