"""Workers with different names share a run in PostgreSQL, and may be stopped one by one while it goes on."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from settings import HOME
from storage.database import Database, database_url
from storage.schema import migrate
from tests.engines.test_both_engines import PERIOD
from tests.engines.test_recovery import wait_for
from tests.faults.ledger import measured
from tests.processes import Installation
from tests.servers.model_server import Call, ModelServer
from tests.servers.redis_server import RedisServer
from tests.support import make_posts, make_spec, open_desk

A_CALL_S = 0.5
LONGER_THAN_THE_GRACE_S = 60.0
SHORTEST_TIMEOUT_S = (
    10.0  # of what is waited for when a process dies: its work is taken back after 15 s at the earliest
)


class Cluster:
    """An installation on PostgreSQL with its workers, a public bot, and one run."""

    def __init__(self, installation: Installation, url: str, model: ModelServer) -> None:
        self.installation, self.model, self._url = installation, model, url

    def start_workers(self, *names: str) -> None:
        for name in names:
            self.installation.start_worker(name, "--concurrency", "4")
        for name in names:
            wait_for(lambda name=name: self._ask("SELECT name FROM workers", name), f"worker {name}")  # type: ignore[misc]

    def start_run(self, posts: int) -> None:
        """A run whose every post is a piece of work by itself."""
        asyncio.run(self._store(posts))
        self.installation.pipeline("digest", "city", "--period", PERIOD, "--no-deliver")

    def stop(self, name: str) -> float:
        """SIGTERM, and wait for its end; when the signal was sent."""
        sent_at = time.time()
        assert self.installation.terminate(name, 40) == 0
        measured(f"SIGTERM of worker {name} until its end", time.time() - sent_at)
        return sent_at

    def wait_for_calls(self, number: int) -> None:
        wait_for(lambda: len(self.asked()) >= number, f"{number} posts asked for")

    def wait_for_both(self) -> None:
        """Until two processes hold work at the same time."""
        held = "SELECT DISTINCT owner FROM work WHERE state = 'claimed'"
        wait_for(lambda: len(self.rows(held)) == 2, "a run that both workers are at")

    def wait_for_the_end(self) -> None:
        wait_for(lambda: self.rows("SELECT state FROM runs") == [("done",)], "the end of the run")

    def asked(self) -> list[Call]:
        return [call for call in list(self.model.calls) if call.kind == "categorization"]

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self._url) as connection:
            return connection.execute(query.encode()).fetchall()

    def longest_silence_s(self, since: float) -> float:
        """Between two questions to the model, as long as there were posts to ask for."""
        moments = [since, *(call.started_at for call in self.asked() if call.started_at > since)]
        return max(later - earlier for earlier, later in pairwise(moments))

    def _ask(self, query: str, name: str) -> bool:
        return any(str(row[0]).startswith(f"{name}@") for row in self.rows(query))

    async def _store(self, posts: int) -> None:
        database = Database(database_url(self._url, HOME))
        await open_desk(database, make_posts(posts), make_spec(batch_size=1))
        await database.close()


@pytest.fixture
def cluster(tmp_path: Path, postgres_url: str, redis: RedisServer, model: ModelServer) -> Iterator[Cluster]:
    redis.empty()
    asyncio.run(migrate(database_url(postgres_url, HOME)))
    model.calls.clear()
    model.latency_s = A_CALL_S
    made = Installation(
        tmp_path,
        DIGEST_DATABASE__URL=postgres_url,
        DIGEST_REDIS__URL=redis.url,
        DIGEST_LLM__BASE_URL=model.base_url,
    )
    yield Cluster(made, postgres_url, model)
    model.latency_s = 0.02
    made.stop_all()


def test_a_worker_that_is_stopped_in_the_middle_costs_the_run_no_question_and_no_timeout(cluster: Cluster) -> None:
    cluster.start_workers("one", "two")
    cluster.start_run(posts=48)
    cluster.wait_for_both()
    cluster.wait_for_calls(16)
    stopped_at = cluster.stop("one")
    cluster.wait_for_the_end()
    silence_s = cluster.longest_silence_s(stopped_at)
    measured("the longest time without a question after a worker was stopped", silence_s)
    assert silence_s < SHORTEST_TIMEOUT_S
    times_asked = Counter(post for call in cluster.asked() for post in call.posts.values())
    assert (len(times_asked), set(times_asked.values())) == (48, {1}), "what was in hand was finished"
    assert cluster.rows("SELECT count(*) FROM work WHERE crashes > 0") == [(0,)]


@pytest.mark.slow
def test_what_takes_longer_than_the_grace_is_handed_over_at_once(cluster: Cluster) -> None:
    cluster.model.latency_s = LONGER_THAN_THE_GRACE_S
    cluster.start_workers("one")
    cluster.start_run(posts=4)
    cluster.wait_for_calls(4)
    cluster.model.latency_s = A_CALL_S
    cluster.start_workers("two")
    cluster.stop("one")
    ended_at = time.time()
    cluster.wait_for_the_end()
    again = [call.started_at for call in cluster.asked()[4:]]
    measured("the end of a worker until another one asked for all it had in hand", max(again) - ended_at)
    assert len(again) == 4
    assert max(again) - ended_at < SHORTEST_TIMEOUT_S
    assert cluster.rows("SELECT count(*) FROM work WHERE crashes > 0") == [(0,)]


@pytest.mark.slow
def test_all_workers_are_restarted_one_by_one_during_a_run(cluster: Cluster) -> None:
    names = ("one", "two", "three")
    cluster.model.latency_s = 2.0
    cluster.start_workers(*names)
    began = time.time()
    cluster.start_run(posts=300)
    cluster.wait_for_calls(20)
    for name in names:
        cluster.stop(name)
        cluster.start_workers(name)
    restarted_after = len(cluster.asked())
    cluster.wait_for_the_end()
    assert restarted_after < 300, "the run went on all the while"
    measured("a run of 300 posts with a restart of all three workers", time.time() - began)
    measured("the longest time without a question", cluster.longest_silence_s(began))
    times_asked = Counter(post for call in cluster.asked() for post in call.posts.values())
    assert (len(times_asked), set(times_asked.values())) == (300, {1})
    assert cluster.longest_silence_s(cluster.asked()[0].started_at) < SHORTEST_TIMEOUT_S
