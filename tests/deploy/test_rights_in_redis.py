"""The Redis user of docs/deployment.md: its rights are enough for a digest and for looking, and do no harm."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from settings import HOME
from storage.database import Database, database_url
from storage.schema import migrate
from tests.processes import Installation, until
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer
from tests.support import make_posts, open_desk

PASSWORD = "0123456789abcdef-of-the-digest-user"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A Redis with this user and no other."""
    server = RedisServer(tmp_path / "redis")
    server.start()
    page = (HOME / "docs" / "deployment.md").read_text()
    rights = re.search(r"^user digest on #HASH (.*)$", page, flags=re.M)
    assert rights is not None
    with Redis.from_url(server.url) as client:
        client.execute_command("ACL", "SETUSER", "digest", "on", f">{PASSWORD}", *rights[1].split())
        client.execute_command("ACL", "SETUSER", "default", "off")
    yield f"redis://digest:{PASSWORD}@127.0.0.1:{server.port}/0"
    server.stop()


@pytest.mark.slow
async def test_they_are_enough_for_a_digest_and_for_looking(tmp_path: Path, url: str) -> None:
    async with ModelServer() as model:
        installation = Installation(
            tmp_path,
            DIGEST_REDIS__URL=url,
            DIGEST_LLM__BASE_URL=model.base_url,
            DIGEST_LLM__REQUESTS_PER_MINUTE="3000",
        )
        try:
            await fill(installation)
            installation.start_worker()
            await until(lambda: " ready." in installation.log("worker"), "a worker")
            order = ("digest", "city", "--period", "2026-11-02..2026-11-03", "--wait", "--no-deliver")
            assert "Transport" in (await asyncio.to_thread(installation.pipeline, *order)).stdout
            seen = (await asyncio.to_thread(installation.pipeline, "monitor")).stdout
            assert "noeviction" in seen
        finally:
            installation.stop_all()
    assert "NoPermission" not in installation.log("worker")
    assert "NOPERM" not in installation.log("worker")


async def fill(installation: Installation) -> None:
    settings_url = database_url(installation.database_url, HOME)
    await migrate(settings_url)
    database = Database(settings_url)
    await open_desk(database, make_posts(5))
    await database.close()


def test_they_are_not_enough_to_harm_the_server_and_nobody_else_has_any(url: str) -> None:
    with Redis.from_url(url) as client:
        for command in (("FLUSHALL",), ("SHUTDOWN",), ("CONFIG", "SET", "dir", "/tmp"), ("ACL", "LIST"), ("KEYS", "*")):
            with pytest.raises(NoPermissionError):
                client.execute_command(*command)
    with pytest.raises(AuthenticationError), Redis.from_url(f"redis://{url.rpartition('@')[2]}") as stranger:
        stranger.ping()
