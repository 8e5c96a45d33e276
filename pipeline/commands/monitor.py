"""`monitor`: how fast Redis answers, what stalled it, and how much memory it and the workers have, for a terminal."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from pipeline.adapters.broker_look import BrokerLook, Stall, look_at_broker
from pipeline.adapters.worker_look import WorkerLook, look_at_workers
from settings import Settings

NOTED_FROM_MS = 100
WORKERS_ANSWER_S = 1.0
MIB = 1024 * 1024


async def run(settings: Settings, options: argparse.Namespace) -> int:
    """Switches Redis' latency monitor on where it is off."""
    broker = await asyncio.to_thread(look_at_broker, settings.redis.url, options.noted_from_ms)
    workers = await asyncio.to_thread(look_at_workers, settings.redis.url, WORKERS_ANSWER_S)
    sys.stdout.write("\n".join([*broker_lines(broker), *worker_lines(workers)]) + "\n")
    return 0


def broker_lines(broker: BrokerLook) -> Iterator[str]:
    yield f"Redis {broker.version}"
    yield f"  answers in {broker.middle_ms:.1f} ms, at worst in {broker.slowest_ms:.1f} ms"
    limit = f"of {_mib(broker.most_bytes)}" if broker.most_bytes else "without a limit of its own"
    yield f"  memory: {_mib(broker.used_bytes)} {limit}, when it is full: {broker.policy}; {broker.clients} clients"
    if broker.threshold_ms is None:
        yield "  latency monitor: this Redis lets nobody set it; look at it where it is hosted"
    else:
        yield f"  latency monitor: notes what takes {broker.threshold_ms} ms or longer"
        yield from (f"    {_stall(one)}" for one in broker.stalls)
        if not broker.stalls:
            yield "    nothing was noted"


def worker_lines(workers: Sequence[WorkerLook]) -> Iterator[str]:
    if not workers:
        yield "No worker answers: start one with ./run_worker.sh."
    for one in workers:
        yield (
            f"worker {one.name}, process {one.pid}: at most {_mib(one.peak_bytes)} "
            f"since it was started {_span(one.up_s)} ago, {one.done} tasks"
        )


def _stall(stall: Stall) -> str:
    moment = datetime.fromtimestamp(stall.last_at, UTC).isoformat(sep=" ", timespec="seconds")
    return f"{stall.event}: {stall.last_ms} ms on {moment}, at worst {stall.worst_ms} ms"


def _mib(size: int) -> str:
    return f"{size / MIB:.0f} MiB" if size >= 10 * MIB else f"{size / MIB:.1f} MiB"


def _span(seconds: int) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} seconds"
