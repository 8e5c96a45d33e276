"""Redis is killed, emptied, away, silent, or not there yet: that costs seconds, and no run, post or message."""

from __future__ import annotations

import time

import pytest

from tests.faults.desk import Desk
from tests.faults.ledger import measured, wait_for
from tests.faults.scene import PERIOD, Scene
from tests.servers.redis_server import RedisServer
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_records import Call

ASKED_PAUSE_S = 4
SAID = "Redis does not answer"
SOME_LOOKS_S = 6.0
ANSWERED_WITHIN_S = 10.0  # 0.2 s on an idle machine; the promise is 2 s


@pytest.mark.slow
def test_killed_in_a_run_and_in_a_delivery(scene: Scene, redis: RedisServer) -> None:
    scene.model.latency_s = 0.3
    scene.installation.environment["DIGEST_DELIVERY__MESSAGES_PER_SECOND"] = "10"
    scene.start_bare_worker("one", "--concurrency", "2")
    scene.start_run(scene.open_bot(posts=20, readers=40))
    wait_for(lambda: len(scene.model.calls) >= 3, "the third model call")
    redis.kill()
    redis.start()
    wait_for(lambda: len(scene.telegram.sent) >= 10, "the tenth message")
    scene.ledger.look()
    redis.kill()
    redis.start()
    back_at = time.monotonic()
    (run,) = scene.ledger.wait_for_the_end(1)
    measured("Redis killed in a delivery, until the run has ended", time.monotonic() - back_at)
    assert run.state == "done"
    scene.check(posts=20)
    assert [state for *_, state in scene.ledger.deliveries()] == ["sent"] * 40


def test_emptied_in_a_run_and_while_telegram_wants_the_bot_to_be_silent(scene: Scene, redis: RedisServer) -> None:
    """The pause stands in the database as well: nobody is written to earlier."""
    scene.model.latency_s = 0.3
    floods: list[Call] = []

    def flood_once(call: Call) -> Fault | None:
        if call.method != "sendMessage" or floods or len(scene.telegram.sent) < 10:
            return None
        floods.append(call)
        return Fault.flood(ASKED_PAUSE_S)

    scene.telegram.fault = flood_once
    scene.start_bare_worker("one", "--concurrency", "4")
    scene.start_run(scene.open_bot(posts=20, readers=40))
    wait_for(lambda: len(scene.model.calls) >= 3, "the third model call")
    redis.empty()
    wait_for(lambda: scene.ledger.rows("SELECT 1 FROM public_bots WHERE parked_until IS NOT NULL") != [], "the pause")
    redis.empty()
    (run,) = scene.ledger.wait_for_the_end(1)
    assert run.state == "done"
    scene.check(posts=20)
    assert [state for *_, state in scene.ledger.deliveries()] == ["sent"] * 40
    late = [one for one in scene.telegram.early_calls if one.call.time - one.asked_at > 1]
    assert not late, "only what was on its way already came before the time"


@pytest.mark.parametrize(
    "away_s", [pytest.param(3.0, id="a few seconds"), pytest.param(60.0, id="a minute", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("way", ["killed", pytest.param("silent", marks=pytest.mark.slow)])
def test_away_when_a_digest_is_asked_for(desk: Desk, redis: RedisServer, way: str, away_s: float) -> None:
    scene = desk.scene
    scene.model.latency_s = 0.5
    slugs = [scene.open_bot(posts=10) for _ in range(2)]
    scene.start_bare_worker("one", "--concurrency", "2")
    desk.start_bot()
    desk.say(f"/digest {slugs[0]} {PERIOD}")
    wait_for(lambda: len(scene.model.calls) >= 1, "the first model call")
    redis.kill() if way == "killed" else redis.freeze()
    gone_at = time.monotonic()
    asked_at = desk.say(f"/digest {slugs[1]} {PERIOD}")
    wait_for(lambda: len(desk.messages) >= 2, "an answer")
    answer = desk.messages[-1]
    answered_after_s = answer.sent_at - asked_at
    wait_for(lambda: "inside the bot" in answer.text, lambda: f"words about the engine: {answer.texts}")
    said_after_s = answer.now.time - asked_at
    measured(f"Redis {way}, until /digest is answered", answered_after_s)
    measured(f"Redis {way}, until the card says that the run is done inside the bot", said_after_s)
    assert answered_after_s < ANSWERED_WITHIN_S
    assert "Waiting" in answer.texts[0] or "inside the bot" in answer.texts[0]
    time.sleep(max(0.0, gone_at + away_s - time.monotonic()))
    redis.start() if way == "killed" else redis.thaw()
    back_at = time.monotonic()
    runs = scene.ledger.wait_for_the_end(2)
    measured(f"Redis {way} for {away_s:.0f} s, until all runs have ended after that", time.monotonic() - back_at)
    assert [run.state for run in runs] == ["done", "done"]
    wait_for(lambda: len(desk.digests()) == 2, "both digests")
    scene.check(posts=10)


def test_away_at_the_start(desk: Desk, redis: RedisServer) -> None:
    """Bot and worker wait, each with a clear line, and go on by themselves."""
    scene = desk.scene
    redis.stop()
    scene.installation.start_worker("worker")
    desk.start_bot()
    worker, bot = (scene.installation.python_of(name).pid for name in ("worker", "bot"))
    for name in ("worker", "bot"):
        wait_for(lambda name=name: SAID in scene.installation.log(name), f"a word of the {name}")  # type: ignore[misc]
    time.sleep(SOME_LOOKS_S)
    redis.start()
    back_at = time.monotonic()
    slug = scene.open_bot(posts=5)
    desk.say(f"/digest {slug} {PERIOD}")
    (run,) = scene.ledger.wait_for_the_end(1)
    measured("Redis away at the start, until a run has ended after that", time.monotonic() - back_at)
    assert run.state == "done"
    wait_for(lambda: len(desk.digests()) == 1, "the digest")
    assert [scene.installation.python_of(name).pid for name in ("worker", "bot")] == [worker, bot]
    scene.check(posts=5)
    for name in ("worker", "bot"):
        log = scene.installation.log(name)
        assert log.count(SAID) == 1, log
        assert "Redis answers again" in log
        assert "Traceback" not in log
        assert "ERROR" not in log
