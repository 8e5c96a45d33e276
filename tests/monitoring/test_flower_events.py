"""Flower hears again of tasks soon after Redis was away."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.adapters.flower_events import PatientEvents
from pipeline.celery_app import make_monitor_app, make_producer_app
from tests.processes import until
from tests.servers.redis_server import RedisServer, running_redis


class Loop:
    """Does at once what it is told to do."""

    def add_callback(self, callback: Callable[[], object]) -> None:
        callback()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path / "redis") as server:
        yield server


class Ended:
    """In place of the application: ends the thread that asks it for a connection."""

    def connection(self) -> None:
        raise SystemExit


@pytest.fixture
def events(redis: RedisServer) -> Iterator[PatientEvents]:
    events = PatientEvents(make_monitor_app(redis.url), io_loop=Loop(), max_tasks_in_memory=100)

    def listen() -> None:
        with contextlib.suppress(SystemExit):
            events.run()

    thread = threading.Thread(target=listen)
    thread.start()
    yield events
    events.capp = Ended()
    redis.stop()
    thread.join(20)


def heard(events: PatientEvents, redis: RedisServer, worker: str) -> bool:
    """Whether what this worker says of itself has come through; it says it once more."""
    with make_producer_app(redis.url) as app, app.events.default_dispatcher(hostname=worker) as dispatcher:
        dispatcher.send("worker-heartbeat")
    return worker in events.state.workers


async def test_flower_hears_again_soon_after_redis_was_away(
    events: PatientEvents, redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pipeline.adapters.flower_events")
    await until(lambda: heard(events, redis, "before"), "the first sign of life")
    redis.kill()
    await until(lambda: "Flower waits for it" in caplog.text, "a word about it")
    redis.start()
    await until(lambda: heard(events, redis, "after"), "a sign of life after the outage")
    assert caplog.text.count("Flower waits for it") == 1
    assert caplog.text.count("Redis answers again.") == 1
