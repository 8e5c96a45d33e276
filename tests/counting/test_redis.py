"""Round trips to a real Redis, counted by a proxy in front of it: see `budget.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from pipeline.adapters.doorbell import CeleryDoorbell
from pipeline.adapters.limiter import RedisLimiter
from pipeline.adapters.model_gate import RedisModelGate
from pipeline.ports import CallResult, Limits
from storage.database import Database
from storage.records import Engine, Ring, WorkKind
from tests.counting.budget import (
    EVENTS_OF_A_TASK,
    REDIS_TRIPS_OF_A_BATCH,
    REDIS_TRIPS_OF_A_CALL,
    REDIS_TRIPS_OF_A_WAVE,
    REDIS_TRIPS_OF_RINGING,
)
from tests.counting.busy_worker import busy_worker
from tests.counting.redis_proxy import RedisProxy
from tests.counting.redis_trips import by_purpose, task_events
from tests.counting.watched_run import WatchedRun
from tests.processes import Installation, until
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer
from tests.servers.threads import ServerThread

FEW_POSTS, MORE_POSTS = 15, 35
FURTHER_BATCHES = 4
BATCHES_TO_DO = [Ring(work_id, 1, WorkKind.CATEGORIZE, Engine.CELERY) for work_id in range(1, 6)]


def hold(asked: Mapping[str, int], budget: Mapping[str, int], times: int = 1) -> None:
    """So many times the budget was asked, trip by trip."""
    may_ask = {name: number * times for name, number in budget.items()}
    assert dict(asked) == may_ask, "raise a line of budget.py only with a reason; lower it when one is saved"


async def test_a_batch_goes_to_redis_so_often_from_its_message_to_its_end(
    redis: RedisServer, proxy: RedisProxy, tmp_path: Path
) -> None:
    """What a run with four more batches asks more than another one, after a first one has opened the connections."""
    model = ModelServer()
    with ServerThread(model.start, model.stop):
        installation = Installation(tmp_path, DIGEST_REDIS__URL=proxy.url, DIGEST_LLM__BASE_URL=model.base_url)
        trips, events, tasks = [Counter[str]()], [Counter[str]()], 0
        async with busy_worker(installation, redis.url) as worker:
            for posts in (5, FEW_POSTS, MORE_POSTS):
                tasks += await worker.do_a_run(posts)
                await until(lambda: task_events(proxy.trips)["task-succeeded"] >= tasks, "the last event")  # noqa: B023
                trips.append(by_purpose(proxy.trips))
                events.append(task_events(proxy.trips))
    *_, few, more = (after - before for before, after in pairwise(trips))
    hold(more - few, REDIS_TRIPS_OF_A_BATCH, FURTHER_BATCHES)
    *_, few, more = (after - before for before, after in pairwise(events))
    hold(more - few, EVENTS_OF_A_TASK, FURTHER_BATCHES)


async def test_ringing_for_several_batches_is_one_trip(proxy: RedisProxy) -> None:
    doorbell = CeleryDoorbell(proxy.url, lambda: None)
    await doorbell.ring(BATCHES_TO_DO[:1])  # the first opens the connection
    before = len(proxy.trips)
    await doorbell.ring(BATCHES_TO_DO)
    await doorbell.close()
    hold(by_purpose(proxy.trips[before:]), REDIS_TRIPS_OF_RINGING)


async def test_a_model_call_is_one_trip_in_and_one_out(proxy: RedisProxy) -> None:
    gate = RedisModelGate(proxy.url, "somebody", Limits())
    for ticket in ("the first opens the connection", "the second"):
        before = len(proxy.trips)
        await gate.enter(ticket, 100)
        await gate.leave(ticket, CallResult.WORKED, 100)
    await gate.close()
    hold(by_purpose(proxy.trips[before:]), REDIS_TRIPS_OF_A_CALL)


async def test_five_messages_to_readers_take_their_place_in_two_trips(proxy: RedisProxy, database: Database) -> None:
    limiter = RedisLimiter(proxy.url, messages_per_second=1_000_000)
    await limiter.reserve(0, 1)  # the first opens the connection
    asked = []
    for readers in (5, 15):
        before = len(proxy.trips)
        run = WatchedRun(database, posts=5, readers=readers, limiter=limiter)
        await run.plan()
        await run.finish()
        asked.append(by_purpose(proxy.trips[before:]))
    await limiter.close()
    hold(asked[1] - asked[0], REDIS_TRIPS_OF_A_WAVE, times=2)
