"""What `monitor` tells of Redis and of the workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from pipeline.adapters.broker_look import BrokerLook, Stall, look_at_broker
from pipeline.adapters.worker_look import WorkerLook, look_at_workers
from pipeline.commands.monitor import broker_lines, worker_lines
from pipeline.errors import BrokerUnavailable
from tests.processes import Installation
from tests.servers.redis_server import RedisServer, free_port, running_redis

SLOW = "local n = 0 for i = 1, 3000000 do n = n + i end return n"  # some milliseconds
LOOK = BrokerLook("8.2.3", 0.1, 6.5, 100, (), 1_363_148, 0, "noeviction", 22)


@pytest.fixture
def fresh_redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path / "redis") as server:
        yield server


def test_the_latency_monitor_is_switched_on_and_stalls_are_told(fresh_redis: RedisServer) -> None:
    assert look_at_broker(fresh_redis.url, 1).threshold_ms == 1
    with Redis.from_url(fresh_redis.url) as client:
        client.eval(SLOW, 0)
    look = look_at_broker(fresh_redis.url, 100)
    assert look.threshold_ms == 1, "what somebody has set stays"
    assert any(stall.worst_ms >= stall.last_ms >= 1 for stall in look.stalls)
    assert look.policy == "noeviction"
    assert look.slowest_ms >= look.middle_ms > 0


def test_a_redis_that_lets_nobody_set_it_is_looked_at_all_the_same(fresh_redis: RedisServer) -> None:
    with Redis.from_url(fresh_redis.url) as client:
        client.execute_command("ACL SETUSER tenant on >word ~* &* +@all -config -latency")
    look = look_at_broker(fresh_redis.url.replace("//", "//tenant:word@"), 100)
    assert (look.threshold_ms, look.stalls) == (None, ())
    assert "  latency monitor: this Redis lets nobody set it; look at it where it is hosted" in broker_lines(look)


def test_a_redis_that_is_away_is_said_in_a_sentence(tmp_path: Path) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    with pytest.raises(BrokerUnavailable):
        look_at_broker(url, 100)
    with pytest.raises(BrokerUnavailable):
        look_at_workers(url, 0.1)
    done = Installation(tmp_path, DIGEST_REDIS__URL=url).pipeline("monitor", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Redis cannot be reached (ConnectionError")


def test_what_a_person_reads() -> None:
    stall = Stall("aof-fsync-always", 131, 402, 1_795_662_604)
    look = BrokerLook("8.2.3", 0.1, 6.5, 100, (stall,), 1_363_148, 256 * 2**20, "noeviction", 22)
    workers = (WorkerLook("north@host", 4711, 3 * 86_400, 117 * 2**20, 41_873),)
    assert "\n".join([*broker_lines(look), *worker_lines(workers)]) == (
        "Redis 8.2.3\n"
        "  answers in 0.1 ms, at worst in 6.5 ms\n"
        "  memory: 1.3 MiB of 256 MiB, when it is full: noeviction; 22 clients\n"
        "  latency monitor: notes what takes 100 ms or longer\n"
        "    aof-fsync-always: 131 ms on 2026-11-26 03:10:04+00:00, at worst 402 ms\n"
        "worker north@host, process 4711: at most 117 MiB since it was started 3 days ago, 41873 tasks"
    )


def test_nothing_noted_and_no_worker_are_said() -> None:
    assert list(broker_lines(LOOK))[-1] == "    nothing was noted"
    assert list(worker_lines(())) == ["No worker answers: start one with ./run_worker.sh."]
