"""/status: what is going on, in words."""

from __future__ import annotations

from pipeline.errors import BrokerUnavailable
from tests.bot.desk import ANNA, Desk, fresh_posts
from tests.support import make_spec

PARKS = make_spec("parks", title="Parks only", categorization_prompt="For gardeners.")


async def test_an_idle_desk_tells_of_its_workers_and_posts(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    text = (await desk.ask(desk.anna, "/status")).text
    assert "1 worker is ready" in text
    assert "Nothing waits in the queues." in text
    assert "Stored: 3 posts from 1 source." in text
    assert "No digest is being made. Start one with /digest." in text


async def test_runs_digests_and_failures_are_told(desk: Desk) -> None:
    await desk.open(fresh_posts(3), make_spec("city"), PARKS)
    await desk.ask(desk.anna, "/digest city")
    await desk.work()
    await desk.settle()
    desk.model.leaves_out = lambda post: True
    await desk.ask(desk.anna, "/digest parks 24h")
    await desk.work()
    await desk.settle()
    await desk.ask(desk.anna, "/digest city 24h")
    text = (await desk.ask(desk.anna, "/status")).text
    assert "Going on now\n• City news: Waiting in the queue" in text
    assert "Last digests\n• City news: 3 posts, just now (run 1)" in text
    assert "Last failures\n• Parks only, just now (run 2): The model failed on all posts (3)." in text


async def test_what_is_missing_is_named_with_its_command(desk: Desk) -> None:
    await desk.leave()
    desk.doorbell.unreachable = BrokerUnavailable("away")
    text = (await desk.ask(desk.anna, "/status")).text
    assert "./run_worker.sh" in text
    assert "scripts/start_redis.sh" in text
    desk.doorbell.unreachable = None
    desk.doorbell.queue_depths = {"categorize": 4, "housekeeping": 1}
    assert "4 batches wait. 1 other task waits." in (await desk.ask(desk.anna, "/status")).text


async def test_one_run_is_told_as_its_card_tells_it(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    await desk.ask(desk.anna, "/digest")
    assert "Ждёт в очереди" in (await desk.ask(desk.boris, "/status 1")).text
    await desk.work()
    await desk.card(ANNA, "The digest is ready")
    await desk.settle()
    told = await desk.ask(desk.boris, "/status 1")
    assert "Дайджест готов: 3 поста" in told.text
    assert not list(told.buttons())


MISTAKES = {
    "/status 12": "There is no run 12. See the runs with /status.",
    "/status 99999999999999999999999": "There is no run 99999999999999999999999.",
    "/status please": "An example that works: /status 7",
}


async def test_a_wrong_number_is_told(desk: Desk) -> None:
    for command, answer in MISTAKES.items():
        assert answer in (await desk.ask(desk.anna, command)).text
