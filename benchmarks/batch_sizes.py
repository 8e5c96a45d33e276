"""What a task costs beside its model call, by the size of its batch: python -m benchmarks.batch_sizes [--quick]

A worker that does one task at a time, and a model that takes 0.8 s for a call. The model server writes down when each
question has come and when its answer has left; all that passes from an answer to the next question is our overhead:
reading and checking the answer, saving it, ringing, Celery's way to the next task, claiming it, loading its posts, the
gate, the prompt, HTTP. Writes a table into docs/performance.md; with --quick, few tasks, to the screen alone.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bare import Phases
from benchmarks.batch_size_figures import BARE, Overhead, as_table, pauses, targets
from benchmarks.bench import DATABASES, Bench, open_bench
from benchmarks.replay import phases_of, replay
from benchmarks.report import machine_facts, paragraph, publish
from benchmarks.servers import ModelProcess, model_process

PACKAGES = ("celery", "SQLAlchemy", "openai")
LATENCY_S = 0.8


@dataclass(frozen=True)
class Plan:
    """Which sizes, and how many batches of each kind of call."""

    databases: Sequence[str]
    sizes: Sequence[int]
    batches: int


FULL = Plan(DATABASES, (1, 3, 5, 10), 20)
QUICK = Plan(("SQLite",), (1, 5), 6)


async def measure(bench: Bench, model: ModelProcess, size: int) -> Overhead:
    model.forget()
    await bench.make_digest(_slug(size))
    overhead = Overhead(bench.database, size, LATENCY_S, pauses(model.calls()))
    print(f"{bench.database}, {size} posts a call: {1000 * overhead.pause_s:.1f} ms between two calls", flush=True)
    return overhead


async def measure_bare(model: ModelProcess, size: int, phases: Phases) -> Overhead:
    """The same calls, one after another, by a script that does nothing else."""
    model.forget()
    await replay(phases, model.url, concurrency=1)
    return Overhead(BARE, size, LATENCY_S, pauses(model.calls()))


async def measure_all(plan: Plan, folder: Path, model: ModelProcess) -> list[Overhead]:
    overheads: list[Overhead] = []
    phases: dict[int, Phases] = {}
    for database in plan.databases:
        async with open_bench(folder / database, database, model.url, warm_up_posts=20) as bench:
            for size in plan.sizes:
                await bench.add_bot(_slug(size), plan.batches * size, plan.batches * size, batch_size=size)
            async with bench.working(1, concurrency=1):
                for size in plan.sizes:
                    overheads.append(await measure(bench, model, size))
                    phases[size] = phases_of(model.calls())
    return [*overheads, *[await measure_bare(model, size, phases[size]) for size in plan.sizes]]


def section(plan: Plan, overheads: Sequence[Overhead]) -> str:
    """The section of docs/performance.md."""
    setting = (
        f"`python -m benchmarks.batch_sizes` on {machine_facts(PACKAGES)}. One warm worker that does one task after "
        f"the other, and a model that takes {LATENCY_S:g} s for a call; {plan.batches} categorizations and "
        f"{plan.batches} summarizations of each size. Measured at the model server: the time from an answer to the "
        f"next question, which is everything that a task does beside waiting for its model, Celery's and the broker's "
        f"part included. Medians, and in brackets the time within which 95 % of them are. The bare script "
        f"makes the same calls and nothing else."
    )
    last_words = (
        "This is the time that a task takes for itself. It does not add up over tasks that are worked on at the same "
        "time: while one is saved, others wait for the model."
    )
    return "\n\n".join(
        ["## A task beside its model call", paragraph(setting), as_table(overheads), paragraph(last_words)]
    )


def _slug(size: int) -> str:
    return f"batches-of-{size}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few tasks, written nowhere")
    plan = QUICK if parser.parse_args().quick else FULL
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = stack.enter_context(model_process(LATENCY_S))
        overheads = asyncio.run(measure_all(plan, folder, model))
    text = section(plan, overheads)
    print(text)
    if plan is FULL:
        publish("batch_sizes", text, targets(overheads))


if __name__ == "__main__":
    main()
