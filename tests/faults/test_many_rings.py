"""Every task rung three times more, in any order, for two workers: the same result, and not one model call more."""

from __future__ import annotations

import random
from collections import Counter

from pipeline.celery_app import make_producer_app
from pipeline.queues import QUEUES
from storage.records import WorkKind
from tests.faults.ledger import wait_for
from tests.faults.scene import Scene
from tests.support import make_posts


def asked(scene: Scene) -> Counter[tuple[str, str]]:
    """What the model was asked, by kind and post."""
    return Counter((call.kind, post) for call in scene.model.calls for post in call.posts.values())


class Ringer:
    """Rings for every piece of work that it has not seen yet, three times."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._app = make_producer_app(scene.redis.url)
        self._chance = random.Random(8)
        self._seen: set[int] = set()
        self.rings = 0

    def ring(self) -> None:
        query = (
            "SELECT work.id, work.kind, work.run_id, digests.id FROM work "
            "LEFT JOIN digests ON digests.run_id = work.run_id"
        )
        new = [row for row in self._scene.ledger.rows(query) if row[0] not in self._seen]
        self._seen.update(row[0] for row in new)
        messages = [row for row in new for _ in range(3)]
        self._chance.shuffle(messages)
        for work_id, kind, run_id, digest_id in messages:
            argument = {WorkKind.PLAN: run_id, WorkKind.DELIVER: digest_id}.get(WorkKind(kind), work_id)
            self._app.send_task(kind, args=[argument], queue=QUEUES[WorkKind(kind)])
            self.rings += 1

    def close(self) -> None:
        self._app.close()


def test_the_same_result_and_the_same_number_of_calls(any_scene: Scene) -> None:
    posts = make_posts(23)
    for name in ("one", "two"):
        any_scene.start_bare_worker(name, "--concurrency", "4")
    any_scene.start_run(any_scene.open_bot(posts, readers=12))
    ringer = Ringer(any_scene)

    def is_over() -> bool:
        ringer.ring()
        return all(run.has_ended for run in any_scene.ledger.look())

    wait_for(is_over, "the end of the run")
    ringer.close()
    assert ringer.rings >= 3 * len(["plan", *range(5), *range(2), "assemble", "delivery", "lanes"])
    assert Counter(call.kind for call in any_scene.model.calls) == {"categorization": 5, "summarization": 2}
    assert max(asked(any_scene).values()) == 1, "every post once"
    assert len(any_scene.telegram.sent) == 12

    any_scene.start_run(any_scene.open_bot(posts))
    rung_thrice, usual = any_scene.ledger.wait_for_the_end(2)
    assert (rung_thrice.state, usual.state) == ("done", "done")
    assert any_scene.ledger.statuses(rung_thrice.id) == any_scene.ledger.statuses(usual.id)
    any_scene.check(posts=23)
