"""Real processes on an SQLite file that another machine works with, and in another container of the same machine."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from pipeline.pulse import owner_name
from settings import HOME
from storage.database import Database, database_url
from storage.schema import migrate
from storage.workers import machine_of
from tests.engines.test_recovery import wait_for
from tests.pipeline.test_one_machine import ELSEWHERE, worker_of
from tests.processes import Installation
from tests.servers.redis_server import RedisServer

pytestmark = pytest.mark.skipif(machine_of(owner_name()) is None, reason="this system does not tell machines apart")


@pytest.fixture
def on_sqlite(tmp_path: Path, redis: RedisServer) -> Iterator[Installation]:
    redis.empty()
    made = Installation(tmp_path, DIGEST_REDIS__URL=redis.url)
    yield made
    made.stop_all()


@contextmanager
def worker_elsewhere(installation: Installation) -> Iterator[None]:
    """A worker on another machine, as far as its signs of life go."""
    stopping = threading.Event()

    async def live() -> None:
        url = database_url(installation.database_url, HOME)
        await migrate(url)
        database = Database(url)
        while not stopping.is_set():
            await worker_of(database, ELSEWHERE)()  # type: ignore[misc]
            await asyncio.sleep(0.5)
        await database.close()

    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def hosts(installation: Installation, name: str) -> list[str]:
    """Where the worker of this name gives signs of life."""
    file = installation.folder / "digest.db"
    if not file.exists():
        return []
    with closing(sqlite3.connect(file)) as connection, suppress(sqlite3.OperationalError):  # no such table yet
        return [row[0] for row in connection.execute("SELECT host FROM workers WHERE name LIKE ?", (f"{name}@%",))]
    return []


def test_a_worker_ends_with_a_sentence_and_a_command_is_refused(on_sqlite: Installation) -> None:
    worker = on_sqlite.start_worker()
    wait_for(lambda: bool(hosts(on_sqlite, "worker")), "a worker that works")
    with worker_elsewhere(on_sqlite):
        assert worker.wait(30) == 2
        refused = on_sqlite.pipeline("digest", "city", check=False)
    assert "one@otherhost on another machine works with it, too" in on_sqlite.log("worker")
    assert "Traceback" not in on_sqlite.log("worker")
    assert refused.returncode == 2
    assert "Set database.url to a PostgreSQL database" in refused.stderr


def may_unshare() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--uts", "hostname", "elsewhere"], capture_output=True).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not may_unshare(), reason="host names cannot be unshared here")
def test_two_containers_of_one_machine_share_the_file_under_two_host_names(on_sqlite: Installation) -> None:
    on_sqlite.start_worker("one")
    other = on_sqlite.start(
        "two", "unshare", "--uts", "sh", "-c", "hostname elsewhere && exec ./run_worker.sh --name two"
    )
    wait_for(lambda: hosts(on_sqlite, "two") == ["elsewhere"], "the worker under another host name")
    wait_for(lambda: bool(hosts(on_sqlite, "one")), "the worker under the usual one")
    assert other.poll() is None
