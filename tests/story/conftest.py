"""The whole of it: Redis, workers and the bot as processes; the model and Telegram as servers on localhost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.processes import Installation
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer, running_redis
from tests.servers.telegram_server import TelegramServer

TOKEN = "4242:AAH-story-token-of-the-admin-bot-0123456789"
OPERATOR = 7


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        server.register_bot(TOKEN, 4242, "digest_desk_bot")
        yield server


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    async with ModelServer(latency_s=0.3) as server:
        yield server


@pytest.fixture
def installation(
    tmp_path: Path, redis: RedisServer, telegram: TelegramServer, model: ModelServer
) -> Iterator[Installation]:
    made = Installation(
        tmp_path,
        DIGEST_REDIS__URL=redis.url,
        DIGEST_TELEGRAM__ADMIN_TOKEN=TOKEN,
        DIGEST_TELEGRAM__API_URL=telegram.url,
        DIGEST_TELEGRAM__OPERATOR_IDS=str(OPERATOR),
        DIGEST_LLM__BASE_URL=model.base_url,
        DIGEST_LLM__API_KEY="sk-story-0123456789",
        DIGEST_LLM__INPUT_PRICE_PER_MILLION="1.0",
        DIGEST_LLM__OUTPUT_PRICE_PER_MILLION="2.0",
        DIGEST_LLM__MAX_CONCURRENCY="2",
    )
    yield made
    made.stop_all()
