"""The best number of workers and concurrency for this machine: python -m benchmarks.workers [--latency S] [--posts N]

Real workers, already warm, with a real Redis, and a model server on this machine that takes so many seconds for a
call; SQLite and PostgreSQL one after the other, the second with a smaller grid. A run is measured from the order to the
stored digest, nothing is delivered. Writes a table, a plot and a recommendation into docs/performance.md; with --quick,
a small grid to the screen alone.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from benchmarks.bench import Bench, open_bench
from benchmarks.report import machine_facts, paragraph, publish
from benchmarks.servers import model_process
from benchmarks.worker_figures import Cell, Sample, advice, as_table, draw
from settings import HOME
from storage.records import WorkKind

PLOT = HOME / "docs" / "performance-workers.svg"
POSTS_IN_A_DIGEST = 10
ENOUGH_S = 15.0  # a setting is not measured again once its runs have taken so long
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


async def measure(bench: Bench, plan: Plan, workers: int, concurrency: int) -> Cell:
    """A setting, with workers that are started for it."""
    samples: list[Sample] = []
    async with bench.working(workers, concurrency):
        while len(samples) < plan.repeats and sum(sample.seconds for sample in samples) < ENOUGH_S:
            made = await bench.make_digest("city")
            calls = (made.calls[WorkKind.CATEGORIZE], made.calls[WorkKind.SUMMARIZE])
            samples.append(Sample(made.seconds, *calls, made.cpu_s, bench.memory_bytes()))
    return Cell(bench.database, workers, concurrency, plan.posts, plan.latency_s, samples)


async def measure_all(plan: Plan, folder: Path, model_url: str) -> list[Cell]:
    cells = []
    for database, grid in plan.grids.items():
        async with open_bench(folder / database, database, model_url, plan.most_calls) as bench:
            await bench.add_bot("city", plan.posts, POSTS_IN_A_DIGEST)
            for workers, concurrency in grid:
                cells.append(await measure(bench, plan, workers, concurrency))
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
        model_url = stack.enter_context(model_process(plan.latency_s)).url
        cells = asyncio.run(measure_all(plan, folder, model_url))
    text_of_section = section(plan, cells)
    if not options.quick:
        draw(cells, PLOT)
        publish("workers", text_of_section, [])
    print(text_of_section)
    print(f"\n{(time.monotonic() - begun) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
