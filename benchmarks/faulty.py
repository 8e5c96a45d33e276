"""Ten thousand posts and a model that fails now and then: python -m benchmarks.faulty [--quick]

One worker, a model that takes 0.8 s for a call, and one call in a hundred fails: an error, an answer that is cut off or
garbage or empty, a connection that breaks. How many posts are done in an hour, and what becomes of every one of them,
on SQLite and PostgreSQL. Writes tables into docs/performance.md; with --quick, few posts, to the screen alone.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import CONCURRENCY, DATABASES, Bench, open_bench
from benchmarks.faulty_figures import Trial, as_table, failures_table, targets
from benchmarks.report import machine_facts, paragraph, publish
from benchmarks.servers import ModelProcess, model_process
from storage.records import RunState

PACKAGES = ("celery", "SQLAlchemy", "openai")
LATENCY_S = 0.8
ROOM = 15


@dataclass(frozen=True)
class Plan:
    """How many posts, how often, and which share of the calls fails."""

    databases: Sequence[str]
    posts: int
    repeats: int
    failing: float


FULL = Plan(DATABASES, 10_000, 1, 0.01)
QUICK = Plan(("SQLite",), 500, 1, 0.05)


async def measure(bench: Bench) -> Trial:
    made = await bench.make_digest("many")
    outcomes = await bench.rows(
        "SELECT outcome, count(*) FROM model_calls WHERE run_id = :run GROUP BY outcome", run=made.run_id
    )
    counts = {str(outcome): int(str(number)) for outcome, number in outcomes}
    trial = Trial(bench.database, made.posts, made.seconds, made.state is RunState.DONE, made.statuses, counts)
    print(
        f"{bench.database}: {trial.seconds:.1f} s, {trial.failed_calls} failed, {trial.set_aside} set aside", flush=True
    )
    return trial


async def measure_all(plan: Plan, folder: Path, model: ModelProcess) -> list[Trial]:
    trials = []
    for database in plan.databases:
        async with open_bench(folder / database, database, model.url) as bench:
            await bench.add_bot("many", plan.posts, ROOM)
            async with bench.working(1):
                trials += [await measure(bench) for _ in range(plan.repeats)]
    return trials


def section(plan: Plan, trials: Sequence[Trial]) -> str:
    """The section of docs/performance.md."""
    setting = (
        f"`python -m benchmarks.faulty` on {machine_facts(PACKAGES)}. One worker with `--concurrency {CONCURRENCY}`, "
        f"{plan.posts:,} posts, five a call, and a model that takes {LATENCY_S:g} s for a call; {plan.failing:.0%} of "
        f"the calls fail, drawn by chance: HTTP 500 and 503, an answer cut off, a body that is broken, a web page, "
        f"nothing, a connection that breaks. Runs on each database: {plan.repeats}. Lost is a post that is neither in "
        f"the digest nor judged nor set aside with a reason."
    )
    parts = ["## Many posts and a model that fails", paragraph(setting), as_table(trials), failures_table(trials)]
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few posts, written nowhere")
    plan = QUICK if parser.parse_args().quick else FULL
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = stack.enter_context(model_process(LATENCY_S, plan.failing))
        trials = asyncio.run(measure_all(plan, folder, model))
    text = section(plan, trials)
    print(text)
    if plan is FULL:
        publish("faulty", text, targets(trials))


if __name__ == "__main__":
    main()
