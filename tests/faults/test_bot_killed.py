"""`kill -9` of the bot's process: the card goes on right after its start, and no part of a digest comes twice."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.faults.desk import Desk
from tests.faults.ledger import measured, wait_for
from tests.faults.scene import PERIOD
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_records import Call

DOUBT = "may not have arrived"


def is_card(call: Call) -> bool:
    return call.method == "sendMessage" and not has_digest(call)


def is_edit(call: Call) -> bool:
    return call.method == "editMessageText"


def has_digest(call: Call) -> bool:
    return call.method == "sendMessage" and '"text_link"' in str(call.params.get("entities", "")).replace("'", '"')


class Killer:
    """Lets calls suffer, each kind once and in this order, and kills the bot's process before it can know."""

    def __init__(self, desk: Desk, *plan: tuple[Callable[[Call], bool], Fault]) -> None:
        self._desk = desk
        self._plan = list(plan)
        self._caught: list[Call] = []
        self.killed_at = 0.0
        self.kills = 0
        desk.scene.telegram.fault = self._suffer

    def strike(self) -> None:
        """Wait for the next of these calls, then kill; the script starts the bot again."""
        wait_for(lambda: len(self._caught) > self.kills and self._caught[self.kills].outcome == "hung", "the call")
        self._desk.scene.installation.kill("bot")
        self.killed_at = time.monotonic()
        self.kills += 1

    def _suffer(self, call: Call) -> Fault | None:
        if not self._plan or not self._plan[0][0](call):
            return None
        self._caught.append(call)
        return self._plan.pop(0)[1]


def test_killed_at_every_moment_of_a_run(desk: Desk) -> None:
    scene = desk.scene
    scene.model.latency_s = 0.5
    slug = scene.open_bot(posts=20)
    killer = Killer(desk, (is_card, Fault.hang()), (is_edit, Fault.hang()), (has_digest, Fault.deliver_and_hang()))
    desk.start_bot()
    desk.say(f"/digest {slug} {PERIOD}")
    killer.strike()
    wait_for(lambda: bool(desk.messages), "the card")
    (card,) = desk.messages
    measured("kill -9 of the bot until its card is there", card.sent_at - killer.killed_at)
    scene.start_bare_worker("one", "--concurrency", "2")
    killer.strike()
    seen = len(card.history)
    wait_for(lambda: len(card.history) > seen, "the next edit")
    measured("kill -9 of the bot until its card goes on", card.now.time - killer.killed_at)
    killer.strike()
    doubt = desk.message(DOUBT)
    measured("kill -9 of the bot until a part in doubt is told", doubt.sent_at - killer.killed_at)
    assert scene.ledger.wait_for_the_end(1)[0].state == "done"
    wait_for(lambda: not scene.ledger.rows("SELECT 1 FROM cards WHERE announced_at IS NULL"), "the end of the card")
    assert "ready" in card.text
    (digest,) = desk.digests()
    assert desk.messages == [card, digest, doubt]
    scene.check(posts=20)
