"""How long a digest takes, our way and others: python -m benchmarks.engines [--quick]

The same posts and a model server that takes 0.8 s for a call: one call after another as programs of the old kind do, a
bare asyncio script that makes just the calls that ours make, our local engine, our Celery engine with one worker and
with two. All in one run, everything warm, 32 calls at the same time, in rounds of all ways one after the other. Writes
tables and a plot into docs/performance.md; with --quick, few posts and one round, to the screen alone.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bare import Phases
from benchmarks.bench import CONCURRENCY, DATABASES, WARM_UP, Bench, open_bench
from benchmarks.engine_figures import Figures, Point, Way, as_table, draw, targets
from benchmarks.posts import many_posts
from benchmarks.replay import old_way, phases_of, replay
from benchmarks.report import machine_facts, paragraph, publish
from benchmarks.servers import ModelProcess, model_process
from pipeline.wiring import local_engine, open_process
from settings import HOME
from tests.support import NOON, make_spec

PLOT = HOME / "docs" / "performance-engines.svg"
PACKAGES = ("celery", "SQLAlchemy", "openai")
LATENCY_S = 0.8
POSTS_IN_A_DIGEST = 200  # the most that a public bot may have
WORKERS_OF = {Way.CELERY: 1, Way.TWO_WORKERS: 2}


@dataclass(frozen=True)
class Plan:
    """Which sizes are measured, how often, and with how many posts the sequential way is."""

    databases: Sequence[str]
    sizes: Sequence[int]
    rounds: int
    sequential_posts: int


FULL = Plan(DATABASES, (10, 100, 300, 1000), 3, 100)
QUICK = Plan(("SQLite",), (10, 100), 1, 5)


class Race:
    """The ways on one database, round after round."""

    def __init__(self, bench: Bench, model: ModelProcess, plan: Plan) -> None:
        self._bench = bench
        self._model = model
        self._plan = plan
        self._phases: dict[int, Phases] = {}
        self._seconds: dict[tuple[Way, int], list[float]] = defaultdict(list)
        self.server_cpu_s = 0.0
        self.server_calls = 0

    async def run(self) -> list[Point]:
        for size in self._plan.sizes:
            await self._bench.add_bot(_slug(size), size, POSTS_IN_A_DIGEST)
        await self._learn_the_calls()
        for _ in range(self._plan.rounds):
            for way in WORKERS_OF:
                await self._celery(way)
            await self._local()
            await self._bare()
        return [
            Point(self._bench.database, way, size, tuple(seconds), sum(map(len, self._phases[size])))
            for (way, size), seconds in self._seconds.items()
        ]

    async def _learn_the_calls(self) -> None:
        """What each size asks of the model, from runs that do not count."""
        async with self._bench.working(1):
            for size in self._plan.sizes:
                self._model.forget()
                made = await self._bench.make_digest(_slug(size))
                self._phases[size] = phases_of(self._model.calls())
                assert sum(map(len, self._phases[size])) == made.all_calls, "somebody else asks this model too"

    async def _celery(self, way: Way) -> None:
        async with self._bench.working(WORKERS_OF[way], CONCURRENCY // WORKERS_OF[way]):
            for size in self._plan.sizes:
                self._keep(way, size, (await self._bench.make_digest(_slug(size))).seconds)

    async def _local(self) -> None:
        settings = self._bench.tools.settings
        engine = settings.engine.model_copy(update={"mode": "local"})
        settings = settings.model_copy(update={"engine": engine})
        async with open_process(settings, with_local_engine=True) as process, local_engine(process):
            await self._bench.make_digest(WARM_UP, process.tools)
            for size in self._plan.sizes:
                self._keep(Way.LOCAL, size, (await self._bench.make_digest(_slug(size), process.tools)).seconds)

    async def _bare(self) -> None:
        for size in self._plan.sizes:
            cpu_before = self._model.cpu_s
            (one,) = await replay(self._phases[size], self._model.url)
            self.server_cpu_s += self._model.cpu_s - cpu_before
            self.server_calls += len(self._model.calls())
            self._keep(Way.BARE, size, one.seconds)

    def _keep(self, way: Way, size: int, seconds: float) -> None:
        self._model.forget()
        self._seconds[way, size].append(seconds)
        print(f"{self._bench.database}, {way}, {size} posts: {seconds:.2f} s", flush=True)


async def measure_sequential(plan: Plan, model: ModelProcess) -> list[Point]:
    """Measured once with as many posts as the plan says; other sizes are reckoned: each post takes the same time."""
    measured = plan.sequential_posts
    (one,) = await replay(old_way(many_posts(measured, NOON), make_spec()), model.url, concurrency=1)
    print(f"{Way.SEQUENTIAL}, {measured} posts: {one.seconds:.1f} s", flush=True)
    return [
        Point("", Way.SEQUENTIAL, size, (one.seconds * size / measured,), 2 * size, measured) for size in plan.sizes
    ]


async def measure_all(plan: Plan, folder: Path, model: ModelProcess) -> Figures:
    points, cpu_s, calls = [], 0.0, 0
    for database in plan.databases:
        async with open_bench(folder / database, database, model.url) as bench:
            race = Race(bench, model, plan)
            points += await race.run()
        cpu_s, calls = cpu_s + race.server_cpu_s, calls + race.server_calls
    return Figures([*await measure_sequential(plan, model), *points], 1000 * cpu_s / calls)


def section(plan: Plan, figures: Figures) -> str:
    """The section of docs/performance.md."""
    setting = (
        f"`python -m benchmarks.engines` on {machine_facts(PACKAGES)}. A digest is made of so many posts with a model "
        f"that takes {LATENCY_S:g} s for a call, five posts a call, {CONCURRENCY} calls at the same time (two workers: "
        f"{CONCURRENCY // 2} each), from the order to the stored digest. The model server, Redis and the database run "
        f"on the same machine; a call costs the model server {figures.server_ms:.1f} ms of CPU, whoever makes it. "
        f"Everything is warm. Medians of {plan.rounds} rounds; in each round all ways take their turn."
    )
    fairness = (
        f"(b) makes exactly the calls that ours make: the same prompts, the summaries after the verdicts that choose "
        f"them, by the same SDK, from memory and to nowhere. It is what the model and the SDK take; no program that "
        f"asks these questions is faster. A digest has room for {POSTS_IN_A_DIGEST} posts here, the most that a public "
        f"bot may have, and the model finds every post worth it: up to {POSTS_IN_A_DIGEST} posts ours make a verdict "
        f"and a summary for every post, as (a) does. Beyond that (a) goes on to summarize every post, and ours only "
        f"those that the digest has room for. (a) was measured with {plan.sequential_posts} posts, once; its times in "
        f"italics, hollow in the plot, are reckoned from that: it takes the same time for every post."
    )
    parts = ["## The engines compared", paragraph(setting), paragraph(fairness)]
    parts.append(f"![seconds over posts]({PLOT.name})")
    for database in plan.databases:
        parts += [f"### With {database}", as_table(figures, database)]
    return "\n\n".join(parts)


def _slug(size: int) -> str:
    return f"posts-{size}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few posts, one round, written nowhere")
    plan = QUICK if parser.parse_args().quick else FULL
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = stack.enter_context(model_process(LATENCY_S))
        figures = asyncio.run(measure_all(plan, folder, model))
    text = section(plan, figures)
    print(text)
    if plan is FULL:
        draw(figures, PLOT)
        publish("engines", text, targets(figures))


if __name__ == "__main__":
    main()
