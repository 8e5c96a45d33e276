"""The best number of workers and concurrency for this machine: python -m benchmarks.workers [--latency S] [--posts N]

Real workers, already warm, with a real Redis, and a model server on this machine that takes so many seconds for a
call; SQLite and PostgreSQL one after the other, the second with a smaller grid. A run is measured from the order to the
stored digest, nothing is delivered. Writes a table, a plot and a recommendation into docs/performance.md; with --quick,
a small grid to the screen alone.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import psutil
from sqlalchemy import text

from benchmarks.report import machine_facts, paragraph, write_section
from benchmarks.worker_figures import Cell, Sample, advice, as_table, draw
from pipeline.services.following import load_progress
from pipeline.services.starting import Order, ring_for, start_run
from pipeline.toolbox import Toolbox
from pipeline.wiring import open_process
from settings import HOME, Settings
from storage.records import RunState
from tests.processes import Installation, until
from tests.servers.postgres_server import PostgresServer
from tests.servers.redis_server import RedisServer
from tests.support import make_posts, make_spec, open_desk

PAGE = HOME / "docs" / "performance.md"
PLOT = HOME / "docs" / "performance-workers.svg"
PERIOD = "2026-11-02..2026-11-03"
POSTS_TO_WARM_UP = 50
ENOUGH_S = 15.0  # a setting is not measured again once its runs have taken so long
RUN_ENDS_WITHIN_S = 180.0
LOOK_EVERY_S = 0.05
GRIDS = {
    "SQLite": tuple(product((1, 2, 3, 4), (4, 8, 16, 32, 64))),
    "PostgreSQL": tuple(product((1, 2, 4), (8, 32))),
}
QUICK_GRIDS = dict.fromkeys(GRIDS, tuple(product((1, 2), (8, 32))))
PACKAGES = ("celery", "SQLAlchemy", "openai")


@dataclass(frozen=True)
class Plan:
    """What is tried on each database, as (workers, concurrency), and how often."""

    grids: Mapping[str, Sequence[tuple[int, int]]]
    posts: int
    latency_s: float
    repeats: int

    @property
    def most_calls(self) -> int:
        """At the same time, of all settings."""
        return max(workers * concurrency for grid in self.grids.values() for workers, concurrency in grid)


@contextmanager
def model_server(latency_s: float) -> Iterator[str]:
    """A model server in a process of its own, so that it does not wait for ours; its URL."""
    command = [sys.executable, "-m", "tests.servers.model_server", "--port", "0", "--latency", str(latency_s)]
    with subprocess.Popen(command, cwd=HOME, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().rpartition(" ")[2].strip()
        process.terminate()


class Bench:
    """One database with its posts, and workers that are started anew for each setting."""

    def __init__(self, installation: Installation, tools: Toolbox, database: str, plan: Plan) -> None:
        self._installation = installation
        self._tools = tools
        self._database = database
        self._plan = plan

    async def measure(self, workers: int, concurrency: int) -> Cell:
        names = [f"worker-{number}" for number in range(workers)]
        for name in names:
            self._installation.start_worker(name, "--concurrency", str(concurrency))
        await until(lambda: self._are_ready(workers), "the workers")
        processes = [self._installation.python_of(name) for name in names]
        await self._sample("warm-up", processes)
        samples: list[Sample] = []
        while len(samples) < self._plan.repeats and sum(sample.seconds for sample in samples) < ENOUGH_S:
            samples.append(await self._sample("city", processes))
        await asyncio.gather(*(asyncio.to_thread(self._installation.terminate, name) for name in names))
        plan = self._plan
        return Cell(self._database, workers, concurrency, plan.posts, plan.latency_s, samples)

    async def _are_ready(self, workers: int) -> bool:
        async with self._tools.database.read() as session:
            return bool((await session.execute(text("SELECT count(*) FROM workers"))).scalar_one() == workers)

    async def _sample(self, slug: str, processes: Sequence[psutil.Process]) -> Sample:
        """One run of this public bot, for which the model is asked everything anew."""
        async with self._tools.database.write() as session:
            await session.execute(text("DELETE FROM model_answers"))
        cpu_before = _cpu_s(processes)
        started = await start_run(self._tools, Order(slug, PERIOD, deliver=False))
        await ring_for(self._tools, started.run)
        deadline = time.monotonic() + RUN_ENDS_WITHIN_S
        while not (run := (await load_progress(self._tools, started.run.id)).run).state.has_ended:
            if time.monotonic() > deadline:
                raise SystemExit(f"Run {run.id} is still {run.state}:\n{self._installation.log('worker-0')[-2000:]}")
            await asyncio.sleep(LOOK_EVERY_S)
        if run.state is not RunState.DONE or run.finished_at is None:
            raise SystemExit(f"The run ended as {run.state}: {run.failure}.")
        categorizations, summarizations = await self._calls(run.id)
        return Sample(
            seconds=(run.finished_at - run.created_at).total_seconds(),
            categorizations=categorizations,
            summarizations=summarizations,
            cpu_s=_cpu_s(processes) - cpu_before,
            memory_bytes=sum(process.memory_info().rss for process in processes),
        )

    async def _calls(self, run_id: int) -> tuple[int, int]:
        """How many calls of the model categorized posts and how many summarized them."""
        query = text(
            "SELECT kind, count(*) AS number FROM model_calls JOIN work ON work.id = work_id "
            "WHERE model_calls.run_id = :run GROUP BY kind"
        )
        async with self._tools.database.read() as session:
            counts = {row.kind: row.number for row in await session.execute(query, {"run": run_id})}
        return counts["categorize_posts"], counts["summarize_posts"]


def _cpu_s(processes: Sequence[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


@asynccontextmanager
async def open_bench(folder: Path, database: str, plan: Plan, model_url: str) -> AsyncIterator[Bench]:
    """Redis, the database with its posts, and nobody who works yet."""
    folder.mkdir()
    async with AsyncExitStack() as stack:
        redis = RedisServer(folder / "redis")
        redis.start()
        stack.callback(redis.stop)
        tables: dict[str, dict[str, str]] = {
            "redis": {"url": redis.url},
            "llm": {"base_url": model_url, "max_concurrency": str(plan.most_calls)},
            "database": {"url": f"sqlite:///{folder}/digest.db"},
        }
        if database == "PostgreSQL":
            server = PostgresServer()
            stack.callback(server.stop)
            tables["database"]["url"] = server.create_database()
        installation = Installation(folder, **_variables(tables))
        stack.push_async_callback(asyncio.to_thread, installation.stop_all)
        process = await stack.enter_async_context(open_process(Settings.model_validate(tables)))
        await open_desk(process.tools.database, make_posts(plan.posts), make_spec())
        warm_up = make_spec("warm-up", sources=("warm-up",))
        await open_desk(process.tools.database, make_posts(POSTS_TO_WARM_UP, start=plan.posts + 1), warm_up)
        yield Bench(installation, process.tools, database, plan)


def _variables(tables: dict[str, dict[str, str]]) -> dict[str, str]:
    return {
        f"DIGEST_{table}__{key}".upper(): value for table, values in tables.items() for key, value in values.items()
    }


async def measure_all(plan: Plan, folder: Path, model_url: str) -> list[Cell]:
    cells = []
    for database, grid in plan.grids.items():
        async with open_bench(folder / database, database, plan, model_url) as bench:
            for workers, concurrency in grid:
                cells.append(await bench.measure(workers, concurrency))
                what = f"{cells[-1].rate:.0f} posts a second, {cells[-1].share_of_ideal:.0%} of the ideal"
                print(f"{database}, {workers} × {concurrency}: {what}", flush=True)
    return cells


def section(plan: Plan, cells: Sequence[Cell]) -> str:
    """The section of docs/performance.md."""
    command = f"python -m benchmarks.workers --latency {plan.latency_s:g} --posts {plan.posts}"
    setting = (
        f"`{command}` on {machine_facts(PACKAGES)}. A digest is made of {plan.posts} posts with a model that takes "
        f"{plan.latency_s:g} s for a call, five posts a call, from the order to the stored digest. The model server, "
        f"Redis and the database run on the same machine. The workers are warm; the figures are medians of "
        f"{plan.repeats} runs, of fewer where a run is long. The ideal is a machine that only waits for the model; the "
        f"CPU and the memory are those of the workers."
    )
    plot = f"![posts a second over concurrency]({PLOT.name})"
    parts = ["## Workers and concurrency", paragraph(setting), plot]
    for database in plan.grids:
        of_database = [cell for cell in cells if cell.database == database]
        parts += [f"### {database}", paragraph(advice(of_database)), as_table(of_database)]
    last_words = (
        "For another latency, keep the rate in mind: a worker needs about *posts a second × latency ÷ 5* calls at the "
        "same time, so a model that is twice as slow wants twice the concurrency, not twice the workers. More workers "
        "help once a single one is out of CPU, and on other machines."
    )
    return "\n\n".join([*parts, paragraph(last_words)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.8, metavar="SECONDS", help="of a model call")
    parser.add_argument("--posts", type=int, default=500, metavar="N")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--database", choices=("SQLite", "PostgreSQL", "both"), default="both")
    parser.add_argument("--quick", action="store_true", help="a small grid, once each, written nowhere")
    options = parser.parse_args()
    grids = QUICK_GRIDS if options.quick else GRIDS
    chosen = grids if options.database == "both" else {options.database: grids["SQLite"]}
    posts = min(options.posts, 150) if options.quick else options.posts
    plan = Plan(chosen, posts, options.latency, 1 if options.quick else options.repeats)
    begun = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model_url = stack.enter_context(model_server(plan.latency_s))
        cells = asyncio.run(measure_all(plan, folder, model_url))
    text_of_section = section(plan, cells)
    if not options.quick:
        draw(cells, PLOT)
        write_section(PAGE, "workers", text_of_section)
    print(text_of_section)
    print(f"\n{(time.monotonic() - begun) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
