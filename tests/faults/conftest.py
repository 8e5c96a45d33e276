"""Redis, the model and Telegram as servers, and installations whose processes are really killed.

`scene` is on SQLite; `any_scene` on PostgreSQL, too, in the long run of the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import URL

from settings import HOME
from storage.database import database_url
from tests.faults.desk import ADMIN_SETTINGS, Desk
from tests.faults.ledger import Ledger
from tests.faults.scene import SECRET, Scene
from tests.processes import Installation
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer, running_redis
from tests.servers.telegram_server import TelegramServer
from tests.servers.threads import ServerThread

OpenScene = Callable[..., Scene]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """It answers from a thread of its own, so that tests may block."""
    server = ModelServer(latency_s=0.05)
    with ServerThread(server.start, server.stop):
        yield server


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    server = TelegramServer()

    async def start() -> None:
        await server.__aenter__()

    async def stop() -> None:
        await server.__aexit__(None, None, None)

    with ServerThread(start, stop):
        yield server


@pytest.fixture
def open_scene(tmp_path: Path, redis: RedisServer, model: ModelServer, telegram: TelegramServer) -> Iterator[OpenScene]:
    """Makes installations with settings of one's own; without a database URL they are on SQLite."""
    with ExitStack() as stack:

        def opener(**variables: str) -> Scene:
            number = sum(path.name.startswith("installation") for path in tmp_path.iterdir())
            folder = tmp_path / f"installation-{number}"
            folder.mkdir()
            usual = {
                "DIGEST_REDIS__URL": redis.url,
                "DIGEST_LLM__BASE_URL": model.base_url,
                "DIGEST_TELEGRAM__API_URL": telegram.url,
                "DIGEST_SECURITY__SECRET_KEY": SECRET,
            }
            made = Installation(folder, **{**usual, **variables})
            stack.callback(made.stop_all)
            ledger = Ledger(made.environment["DIGEST_DATABASE__URL"], model, telegram, redis.url)
            stack.callback(ledger.close)
            return Scene(made, redis, model, telegram, ledger)

        yield opener


@pytest.fixture
def scene(open_scene: OpenScene) -> Scene:
    return open_scene()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """An empty database of each kind; PostgreSQL in the long run of the tests."""
    setting = (
        f"sqlite:///{tmp_path}/digest.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    )
    return database_url(setting, HOME)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def any_scene(request: pytest.FixtureRequest, open_scene: OpenScene) -> Scene:
    """On SQLite, and in the long run of the tests on PostgreSQL."""
    if request.param == "sqlite":
        return open_scene()
    return open_scene(DIGEST_DATABASE__URL=request.getfixturevalue("postgres_url"))


@pytest.fixture
def desk(open_scene: OpenScene) -> Desk:
    """A scene with an admin bot and an operator; nothing is started."""
    return Desk(open_scene(**ADMIN_SETTINGS))
