"""`worker`."""

from __future__ import annotations

import argparse

from pipeline.beginning import made_to_last
from pipeline.queues import ALL_QUEUES
from settings import Settings

__all__ = ["ALL_QUEUES", "positive", "queue_names", "run"]


def run(settings: Settings, options: argparse.Namespace) -> int:
    with made_to_last():
        from pipeline.worker import run_worker

    most = settings.llm.max_concurrency
    concurrency = min(options.concurrency or most, most)
    return run_worker(settings, options.queues, concurrency, options.name)


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
