"""Every command that compose.yaml gives our image and its Redis, run outside of a container, from what the image holds.

The images themselves are not built by any test: no container engine is needed to run these.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from pathlib import Path

import psutil
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError

from settings import HOME
from storage.database import database_url
from storage.schema import migrate
from tests.deploy.containers import Containers
from tests.deploy.files import DEPLOY, example_env, programs
from tests.processes import until
from tests.servers.redis_server import free_port
from tests.servers.telegram_server import TelegramServer

TOKEN = "4242:AAH-token-of-the-admin-bot-of-containers-01"


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        server.register_bot(TOKEN, 4242, "digest_desk_bot")
        yield server


@pytest.fixture
def given(telegram: TelegramServer) -> Mapping[str, str]:
    """deploy/.env as a person fills it in, with two settings of their own."""
    passwords = {name: secrets.token_hex(24) for name in example_env() if "PASSWORD" in name or "KEY" in name}
    return {
        **example_env(),
        **passwords,
        "DIGEST_TELEGRAM__ADMIN_TOKEN": TOKEN,
        "DIGEST_TELEGRAM__OPERATOR_IDS": "7",
        "DIGEST_TELEGRAM__API_URL": telegram.url,
        "DIGEST_METRICS__PORT": "0",
    }


@pytest.fixture
def containers(tmp_path: Path, given: Mapping[str, str], postgres_url: str) -> Iterator[Containers]:
    port, flower_port = free_port(), free_port()
    (tmp_path / "data").mkdir()
    (tmp_path / "backups").mkdir()
    config = (DEPLOY / "redis" / "redis.conf").read_text().replace("dir /data", f"dir {tmp_path}/data")
    (tmp_path / "redis.conf").write_text(f"{config}bind 127.0.0.1\nport {port}\n")
    made = Containers(
        tmp_path,
        given,
        {
            f"postgresql://digest:{given['POSTGRES_PASSWORD']}@postgres:5432/digest": postgres_url,
            "@redis:6379": f"@127.0.0.1:{port}",
            "/usr/local/etc/redis/redis.conf": f"{tmp_path}/redis.conf",
            "/backups/": f"{tmp_path}/backups/",
            "0.0.0.0": "127.0.0.1",
            "5555": str(flower_port),
        },
    )
    yield made
    made.stop_all()


def is_redis_ready(url: str) -> bool:
    try:
        with Redis.from_url(url) as client:
            return bool(client.ping())
    except (RedisConnectionError, OSError):
        return False


def files_of(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*")}


async def test_all_of_our_containers_start_become_healthy_and_stop_when_they_are_told(
    containers: Containers, given: Mapping[str, str]
) -> None:
    in_the_image = files_of(containers.app)
    containers.start("redis")
    redis_url = containers.environment("worker")["DIGEST_REDIS__URL"]
    await until(lambda: is_redis_ready(redis_url), "Redis with its password")

    def runs_alone(process: psutil.Process, name: str) -> bool:
        return process.cmdline()[1:] == containers.command(name)[1:]

    for name in ("worker", "bot", "flower"):
        process = containers.start(name)
        assert name == "flower" or not containers.is_healthy(name), f"{name} can have done nothing yet"
        alone = partial(runs_alone, psutil.Process(process.pid), name)
        await until(alone, f"{name}: no shell in between")

    for name in ("worker", "bot", "flower"):
        await until(lambda name=name: asyncio.to_thread(containers.is_healthy, name), f"{name}: healthy")  # type: ignore[misc]
    shown = " ".join(word for one in psutil.process_iter(["cmdline"]) for word in one.info["cmdline"] or ())
    assert [name for name, value in given.items() if "PASSWORD" in name and value in shown] == []

    stopped = {name: await asyncio.to_thread(containers.stop, name) for name in ("worker", "bot", "flower", "redis")}
    assert stopped == {"worker": 0, "bot": 0, "flower": 0, "redis": 0}, {one: containers.log(one) for one in stopped}
    written = {name for name in files_of(containers.app) - in_the_image if not name.startswith("var/")}
    assert written == set(), "the root of a container is read-only"
    for name in ("worker", "bot", "flower"):
        levels = {json.loads(line)["level"] for line in containers.log(name).splitlines()}
        assert levels == {"INFO"}, f"the production settings log in JSON: {containers.log(name)}"


async def test_redis_refuses_who_has_no_password(containers: Containers) -> None:
    containers.start("redis")
    url = containers.environment("worker")["DIGEST_REDIS__URL"]
    await until(lambda: is_redis_ready(url), "Redis with its password")
    with pytest.raises(AuthenticationError), Redis.from_url(f"redis://{url.rpartition('@')[2]}") as stranger:
        stranger.ping()
    with Redis.from_url(url) as client:
        assert client.config_get("maxmemory-policy", "appendonly") == {
            "maxmemory-policy": "noeviction",
            "appendonly": "yes",
        }


async def test_a_worker_tells_systemd_when_it_is_ready_and_that_it_lives(containers: Containers) -> None:
    containers.start("redis")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(containers.folder / "notify"))
        systemd.settimeout(30)
        containers.start("worker", NOTIFY_SOCKET=str(containers.folder / "notify"))
        heard = [await asyncio.to_thread(systemd.recv, 100) for _ in range(2)]
    assert heard == [b"READY=1", b"WATCHDOG=1"]


async def test_a_backup_is_made_by_its_service(containers: Containers) -> None:
    await migrate(database_url(containers.environment("backup")["DIGEST_DATABASE__URL"], HOME))
    done = await asyncio.to_thread(containers.run, "backup")
    assert done.returncode == 0, done.stderr
    assert [file for file in (containers.folder / "backups").iterdir() if file.stat().st_size]


def test_no_service_of_our_image_is_forgotten_here() -> None:
    assert set(programs()) == {"bot", "worker", "flower", "backup"}
    assert Path(sys.prefix, "bin", "python").exists(), "what the commands call python"
