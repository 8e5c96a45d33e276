"""`kill -9` of a worker at every named point: what it had in hand is taken up again, and nothing that was saved is done
twice."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pipeline.fault_points import POINTS
from tests.faults.ledger import wait_for
from tests.faults.scene import Scene

OF_DELIVERY = sorted(point for point in POINTS if point.startswith("delivery."))
BEFORE_DELIVERY = sorted(POINTS - set(OF_DELIVERY))
ON_PASS = {"advance.before_commit": 1, "advance.after_commit": 1}
A_FEW = ["claim.after", "reply.before_save", "advance.before_commit"]


@pytest.mark.parametrize("points", [A_FEW, pytest.param(BEFORE_DELIVERY, marks=pytest.mark.slow)], ids=["three", "all"])
def test_killed_at_one_point_after_another_in_the_same_run(scene: Scene, points: Sequence[str]) -> None:
    markers = scene.order_faults(*({"point": point, "on_pass": ON_PASS.get(point, 3)} for point in points))
    scene.start_bare_worker("one", "--concurrency", "3")
    scene.start_run(scene.open_bot(posts=30))
    kills = 0

    def is_over() -> bool:
        nonlocal kills
        kills += scene.revive()
        return all(run.has_ended for run in scene.ledger.look())

    wait_for(is_over, lambda: f"the end, after kills at {sorted(markers.iterdir())}")
    assert kills == len(points) == len(list(markers.iterdir()))
    assert [run.state for run in scene.ledger.runs()] == ["done"]
    assert not scene.ledger.set_aside()
    scene.check(posts=30)


@pytest.mark.slow
@pytest.mark.parametrize("point", BEFORE_DELIVERY)
def test_killed_at_one_point(any_scene: Scene, point: str) -> None:
    any_scene.order_faults({"point": point, "on_pass": ON_PASS.get(point, 3)})
    any_scene.start_bare_worker("one", "--concurrency", "3")
    any_scene.start_run(any_scene.open_bot(posts=20))
    any_scene.wait_for_a_death()
    assert any_scene.ledger.wait_for_the_end(1)[0].state == "done"
    assert not any_scene.ledger.set_aside()
    any_scene.check(posts=20)


@pytest.mark.parametrize("point", [OF_DELIVERY[0], pytest.param(OF_DELIVERY[1], marks=pytest.mark.slow)])
def test_killed_while_messages_are_on_their_way(any_scene: Scene, point: str) -> None:
    """What nobody can know afterwards is in doubt, listed, and not sent again; everybody else gets the digest."""
    any_scene.order_faults({"point": point, "on_pass": 2})
    any_scene.start_bare_worker("one")
    any_scene.start_run(any_scene.open_bot(posts=4, readers=20))
    any_scene.wait_for_a_death()
    assert any_scene.ledger.wait_for_the_end(1)[0].state == "done"
    any_scene.check(posts=4)
    states = [state for *_, state in any_scene.ledger.deliveries()]
    assert set(states) == {"sent", "unknown"}
    assert 1 <= states.count("unknown") <= 5, "the wave that was under way"
    in_doubt_and_there = states.count("unknown") if point == "delivery.answered" else 0
    assert len(any_scene.telegram.sent) == states.count("sent") + in_doubt_and_there
