"""What digests are measured on: a database with posts, a Redis, real workers; from the order to the stored digest."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import text

from benchmarks.posts import many_posts
from pipeline.services.starting import Order, ring_for, start_run
from pipeline.toolbox import Toolbox
from pipeline.wiring import open_process
from settings import Settings
from storage import runs
from storage.records import PublicBotSpec, RunState, WorkKind
from tests.processes import Installation, until
from tests.servers.postgres_server import PostgresServer
from tests.servers.redis_server import running_redis
from tests.support import NOON, make_spec, open_desk

DATABASES = ("SQLite", "PostgreSQL")
CONCURRENCY = 32
PERIOD = "2026-11-02..2026-11-03"
WARM_UP = "warm-up"
POSTS_TO_WARM_UP = 5 * CONCURRENCY  # a call for every thread
LOOK_EVERY_S = 0.1
RUN_ENDS_WITHIN_S = 600.0


@dataclass(frozen=True)
class Made:
    """One run, from the order to the stored digest: how long it took, what CPU the workers used for it, its model calls
    by kind of work, and its posts by status."""

    run_id: int
    state: RunState
    posts: int
    seconds: float
    cpu_s: float
    calls: Mapping[WorkKind, int]
    statuses: Mapping[str, int]

    @property
    def all_calls(self) -> int:
        return sum(self.calls.values())

    @property
    def cpu_ms_a_post(self) -> float:
        return 1000 * self.cpu_s / self.posts


class Bench:
    """One database with its Redis. `tools` are those of whoever orders digests; workers come and go."""

    def __init__(self, installation: Installation, tools: Toolbox, database: str) -> None:
        self.installation = installation
        self.tools = tools
        self.database = database
        self.workers: Sequence[psutil.Process] = ()

    async def add_bot(self, slug: str, posts: int, limit: int, batch_size: int | None = None) -> None:
        """A public bot with a source of its own, so many posts in it, and at most `limit` of them in a digest."""
        spec = self._spec(slug, limit, batch_size)
        await open_desk(self.tools.database, await asyncio.to_thread(many_posts, posts, NOON), spec)

    @asynccontextmanager
    async def working(self, workers: int, concurrency: int = CONCURRENCY) -> AsyncIterator[None]:
        """So many workers that have each done something already, as long as the block lasts."""
        names = [f"worker-{number}" for number in range(workers)]
        for name in names:
            self.installation.start_worker(name, "--concurrency", str(concurrency))
        await until(lambda: self._are_ready(workers), "the workers")
        self.workers = [self.installation.python_of(name) for name in names]
        for _ in range(workers):
            await self.make_digest(WARM_UP)
        try:
            yield
        finally:
            self.workers = ()
            await asyncio.gather(*(asyncio.to_thread(self.installation.terminate, name) for name in names))

    async def make_digest(self, slug: str, tools: Toolbox | None = None) -> Made:
        """One run of this public bot, for which the model is asked everything anew.

        Args:
            tools: those of a process with a local engine, which does the run then.
        """
        tools = tools or self.tools
        async with tools.database.write() as session:
            await session.execute(text("DELETE FROM model_answers"))
        cpu_before = self._cpu_s()
        started = await start_run(tools, Order(slug, PERIOD, deliver=False))
        await ring_for(tools, started.run)
        await self._until_ended(started.run.id)
        return await self._made(started.run.id, self._cpu_s() - cpu_before)

    async def rows(self, query: str, **values: object) -> Sequence[Sequence[object]]:
        """What a query that changes nothing finds."""
        async with self.tools.database.read() as session:
            return [tuple(row) for row in await session.execute(text(query), values)]

    def memory_bytes(self) -> int:
        """What all workers hold."""
        return sum(process.memory_info().rss for process in self.workers)

    def _spec(self, slug: str, limit: int, batch_size: int | None) -> PublicBotSpec:
        return make_spec(slug, sources=(slug,), max_posts_per_digest=limit, batch_size=batch_size)

    def _cpu_s(self) -> float:
        return sum(sum(process.cpu_times()[:2]) for process in self.workers)

    async def _are_ready(self, workers: int) -> bool:
        return await self.rows("SELECT count(*) FROM workers") == [(workers,)]

    async def _until_ended(self, run_id: int) -> None:
        deadline = time.monotonic() + RUN_ENDS_WITHIN_S
        while not RunState(str((await self.rows("SELECT state FROM runs WHERE id = :id", id=run_id))[0][0])).has_ended:
            if time.monotonic() > deadline:
                raise SystemExit(f"Run {run_id} does not end:\n{self.installation.log('worker-0')[-2000:]}")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _made(self, run_id: int, cpu_s: float) -> Made:
        async with self.tools.database.read() as session:
            run = await runs.get(session, run_id)
        if run.finished_at is None or run.state is not RunState.DONE:
            raise SystemExit(f"The run ended as {run.state}: {run.failure}.")
        statuses = await self.rows("SELECT status, count(*) FROM run_posts WHERE run_id = :id GROUP BY 1", id=run_id)
        calls = await self.rows(
            "SELECT kind, count(*) FROM model_calls JOIN work ON work.id = work_id WHERE model_calls.run_id = :id "
            "GROUP BY 1",
            id=run_id,
        )
        return Made(
            run_id,
            run.state,
            posts=sum(int(str(number)) for _, number in statuses),
            seconds=(run.finished_at - run.created_at).total_seconds(),
            cpu_s=cpu_s,
            calls={WorkKind(str(kind)): int(str(number)) for kind, number in calls},
            statuses={str(status): int(str(number)) for status, number in statuses},
        )


@asynccontextmanager
async def open_bench(
    folder: Path,
    database: str,
    model_url: str,
    max_concurrency: int = CONCURRENCY,
    warm_up_posts: int = POSTS_TO_WARM_UP,
) -> AsyncIterator[Bench]:
    """Redis, a database with nothing but posts to warm up, and nobody who works yet. `max_concurrency` counts for all
    workers together."""
    folder.mkdir()
    asking = asyncio.current_task()
    assert asking is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asking.cancel)  # workers live in groups of their own
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(running_redis(folder / "redis"))
        tables: dict[str, dict[str, str]] = {
            "redis": {"url": redis.url},
            "llm": {"base_url": model_url, "max_concurrency": str(max_concurrency)},
            "database": {"url": f"sqlite:///{folder}/digest.db"},
        }
        if database == "PostgreSQL":
            server = PostgresServer()
            stack.callback(server.stop)
            tables["database"]["url"] = server.create_database()
        installation = Installation(folder, **_variables(tables))
        stack.push_async_callback(asyncio.to_thread, installation.stop_all)
        process = await stack.enter_async_context(open_process(Settings.model_validate(tables)))
        bench = Bench(installation, process.tools, database)
        await bench.add_bot(WARM_UP, warm_up_posts, limit=10)
        yield bench


def _variables(tables: dict[str, dict[str, str]]) -> dict[str, str]:
    return {
        f"DIGEST_{table}__{key}".upper(): value for table, values in tables.items() for key, value in values.items()
    }
