"""A post that kills every process that touches it costs a few restarts and itself, and no other post."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.faults.ledger import wait_for
from tests.faults.scene import Scene
from tests.support import make_posts

POISON = "the text that no process survives"


@pytest.mark.parametrize("poisoned", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_it_is_set_aside_and_all_others_come_through(scene: Scene, poisoned: int) -> None:
    incoming = [
        replace(post, text=f"{post.text} {POISON}") if number % 8 == 3 and number < 8 * poisoned else post
        for number, post in enumerate(make_posts(26))
    ]
    scene.order_faults({"point": "call.before", "text": POISON})
    scene.start_bare_worker("one", "--concurrency", "4")
    scene.start_run(scene.open_bot(incoming))
    kills = 0

    def is_over() -> bool:
        nonlocal kills
        kills += scene.revive()
        return all(run.has_ended or run.says_why_it_waits for run in scene.ledger.look())

    wait_for(is_over, lambda: f"the end after {kills} kills: {scene.ledger.open_work()}", 240)
    (run,) = scene.ledger.runs()
    assert run.state == "done"
    scene.check(posts=26)
    assert len(scene.ledger.set_aside()) == poisoned
    assert all(POISON in text for text in scene.ledger.set_aside())
    assert kills <= 4 * poisoned, "in its batch, beside others, and twice alone"
