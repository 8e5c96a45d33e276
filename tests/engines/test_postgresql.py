"""A run by a real worker with everything in PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings import HOME
from storage.database import Database, database_url
from storage.schema import migrate
from tests.engines.test_both_engines import PERIOD
from tests.processes import Installation
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer
from tests.support import make_posts, make_spec, open_desk


@pytest.fixture
def on_postgres(tmp_path: Path, postgres_url: str, redis: RedisServer, model: ModelServer) -> Iterator[Installation]:
    made = Installation(
        tmp_path,
        DIGEST_DATABASE__URL=postgres_url,
        DIGEST_REDIS__URL=redis.url,
        DIGEST_LLM__BASE_URL=model.base_url,
    )
    yield made
    made.stop_all()


def test_two_workers_share_a_run(on_postgres: Installation, postgres_url: str) -> None:
    async def store() -> None:
        url = database_url(postgres_url, HOME)
        await migrate(url)
        database = Database(url)
        await open_desk(database, make_posts(120), make_spec())
        await database.close()

    asyncio.run(store())
    for name in ("one", "two"):
        on_postgres.start_worker(name, "--concurrency", "4")
    printed = on_postgres.pipeline("digest", "city", "--period", PERIOD, "--wait", "--format", "json").stdout
    assert sum(len(section["items"]) for section in json.loads(printed)["sections"]) > 0
    run = json.loads(on_postgres.pipeline("status", "--json").stdout)["recent"][0]
    assert (run["state"], sum(run["posts"].values())) == ("done", 120)
    assert [on_postgres.terminate(name) for name in ("one", "two")] == [0, 0]
