"""What the processes of a soak weigh: memory, open files and threads, looked at every ten seconds."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

import psutil
from redis import Redis
from redis.exceptions import RedisError

from benchmarks.soak.site import WORKERS, Site

EVERY_S = 10.0
MEBIBYTE = 1024 * 1024
PROCESSES = (*WORKERS, "bot", "redis")


@dataclass(frozen=True)
class Sample:
    """`at` is Unix time, `rss` bytes."""

    at: float
    name: str
    pid: int
    rss: int
    files: int
    threads: int


@dataclass(frozen=True)
class Change:
    """The medians of the first and of the last quarter of some samples."""

    first: float
    last: float


@dataclass
class Observer:
    site: Site
    samples: list[Sample] = field(default_factory=list)

    async def watch(self) -> None:
        while True:
            self.samples += await asyncio.to_thread(self._looked)
            await asyncio.sleep(EVERY_S)

    def of(self, name: str) -> list[Sample]:
        return [sample for sample in self.samples if sample.name == name]

    def lives(self, name: str) -> list[list[Sample]]:
        """The samples of each process that had this name, in order."""
        return [list(life) for _, life in groupby(self.of(name), key=lambda sample: sample.pid)]

    def longest_life(self, name: str) -> list[Sample]:
        return max(self.lives(name), key=len, default=[])

    def _looked(self) -> list[Sample]:
        found = []
        for name in PROCESSES:
            with contextlib.suppress(LookupError, psutil.Error, RedisError, OSError):
                process = self._process(name)
                with process.oneshot():
                    rss, files, threads = process.memory_info().rss, process.num_fds(), process.num_threads()
                found.append(Sample(time.time(), name, process.pid, rss, files, threads))
        return found

    def _process(self, name: str) -> psutil.Process:
        if name != "redis":
            return self.site.python_of(name)
        with Redis.from_url(self.site.redis.url, socket_timeout=1, socket_connect_timeout=1) as client:
            return psutil.Process(int(client.info("server")["process_id"]))


def change(values: Sequence[float]) -> Change:
    """How the last quarter differs from the first."""
    quarter = max(1, len(values) // 4)
    return Change(statistics.median(values[:quarter]), statistics.median(values[-quarter:]))
