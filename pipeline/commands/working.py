"""`worker` and what run_worker.sh asks before it."""

from __future__ import annotations

import argparse
import asyncio

from redis import Redis
from redis.exceptions import RedisError

from pipeline.queues import ALL_QUEUES
from settings import DEFAULT_REDIS_URL, Settings

__all__ = ["ALL_QUEUES", "needs_local_redis", "positive", "queue_names", "run"]


def run(settings: Settings, options: argparse.Namespace) -> int:
    from pipeline.worker import run_worker

    most = settings.llm.max_concurrency
    concurrency = min(options.concurrency or most, most)
    return run_worker(settings, options.queues, concurrency, options.name)


async def needs_local_redis(settings: Settings, options: argparse.Namespace) -> int:
    """0: redis.url is the local default and nothing answers there. 1: there is no need to start one."""
    if settings.redis.url != DEFAULT_REDIS_URL or settings.engine.mode == "local":
        return 1
    return 1 if await asyncio.to_thread(_answers, settings.redis.url) else 0


def queue_names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in ALL_QUEUES]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"queues are {', '.join(ALL_QUEUES)}, not {', '.join(unknown) or 'nothing'}")
    return names


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of tasks")
    return int(text)


def _answers(url: str) -> bool:
    try:
        with Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1) as client:
            return bool(client.ping())
    except (RedisError, OSError):
        return False
