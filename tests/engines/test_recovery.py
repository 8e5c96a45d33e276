"""What dies in the middle of a run of 50 posts costs seconds, and no post."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.engines.test_both_engines import PERIOD, forget_answers, store_posts
from tests.processes import Installation
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer

POSTS = 50
DEADLINE_S = 90.0


@pytest.fixture(scope="module", autouse=True)
def worker(installation: Installation, model: ModelServer) -> None:
    model.latency_s = 0.5
    installation.start_worker("worker", "--concurrency", "2")


@pytest.fixture
def running(installation: Installation, model: ModelServer) -> str:
    """A run whose third model call has begun."""
    slug = store_posts(installation, POSTS)
    forget_answers(installation)
    calls = len(model.calls)
    installation.pipeline("digest", slug, "--period", PERIOD, "--no-deliver")
    wait_for(lambda: len(model.calls) >= calls + 3, "the third model call")
    return slug


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.05)


def runs(installation: Installation) -> dict[str, list[dict[str, Any]]]:
    status: dict[str, list[dict[str, Any]]] = json.loads(installation.pipeline("status", "--json").stdout)
    return status


def wait_for_the_end(installation: Installation) -> dict[str, Any]:
    wait_for(lambda: not runs(installation)["active"], "the end of the run")
    return runs(installation)["recent"][0]


def assert_complete(run: dict[str, Any]) -> None:
    assert run["state"] == "done", run
    assert sum(run["posts"].values()) == POSTS
    assert set(run["posts"]) <= {"summarized", "passed_over", "irrelevant"}, "no post was set aside or dropped"


def test_kill_9_of_the_worker(installation: Installation, running: str) -> None:
    installation.kill("worker")
    assert_complete(wait_for_the_end(installation))


def test_kill_9_of_the_worker_and_of_its_script(installation: Installation, running: str) -> None:
    installation.kill_all("worker")
    installation.start_worker("worker", "--concurrency", "2")
    assert_complete(wait_for_the_end(installation))


def test_redis_emptied(installation: Installation, running: str, redis: RedisServer) -> None:
    redis.empty()
    assert_complete(wait_for_the_end(installation))


def test_redis_killed_and_started_again(installation: Installation, running: str, redis: RedisServer) -> None:
    redis.kill()
    redis.start()
    assert_complete(wait_for_the_end(installation))


def test_redis_stopped_and_started_empty(installation: Installation, running: str, redis: RedisServer) -> None:
    redis.stop()
    redis.forget()
    redis.start()
    assert_complete(wait_for_the_end(installation))


def test_sigterm_hands_back_what_is_in_hand(installation: Installation, running: str) -> None:
    assert installation.terminate("worker") == 0
    installation.start_worker("worker", "--concurrency", "2")
    assert_complete(wait_for_the_end(installation))
