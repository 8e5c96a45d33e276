"""What CPU a post costs: python -m benchmarks.cpu [--quick]

A model server that answers at once, so that a worker does nothing but work; what its process uses from the order to the
stored digest, on SQLite and PostgreSQL, for few posts and for many; and what a bare script uses for the same model
calls. Writes a table into docs/performance.md; with --quick, few posts, to the screen alone.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import CONCURRENCY, DATABASES, Bench, open_bench
from benchmarks.cpu_figures import Load, as_table, targets
from benchmarks.replay import phases_of, replay
from benchmarks.report import machine_facts, paragraph, publish
from benchmarks.servers import ModelProcess, model_process

PACKAGES = ("celery", "SQLAlchemy", "openai")
ROOM = 15  # what a bots file that says nothing about it means
ROOM_FOR_ALL = 200


@dataclass(frozen=True)
class Plan:
    """How often runs are made, by their posts and the room in their digest."""

    databases: Sequence[str]
    repeats: Mapping[tuple[int, int], int]


FULL = Plan(DATABASES, {(100, ROOM): 7, (1000, ROOM): 3, (10_000, ROOM): 1, (100, ROOM_FOR_ALL): 7})
QUICK = Plan(("SQLite",), {(100, ROOM): 2, (500, ROOM): 1})


async def measure(bench: Bench, model: ModelProcess, posts: int, room: int, repeats: int) -> Load:
    cpu_s = []
    for _ in range(repeats):
        model.forget()
        made = await bench.make_digest(_slug(posts, room))
        cpu_s.append(made.cpu_s)
    rounds = await replay(phases_of(model.calls()), model.url, repeats=repeats)
    load = Load(bench.database, posts, room, made.all_calls, tuple(cpu_s), tuple(one.cpu_s for one in rounds))
    print(f"{load.database}, {posts} posts: {load.ms_a_post:.2f} ms a post, bare {load.bare_ms_a_post:.2f}", flush=True)
    return load


async def measure_all(plan: Plan, folder: Path, model: ModelProcess) -> list[Load]:
    loads = []
    for database in plan.databases:
        async with open_bench(folder / database, database, model.url) as bench:
            for posts, room in plan.repeats:
                await bench.add_bot(_slug(posts, room), posts, room)
            async with bench.working(1):
                for (posts, room), repeats in plan.repeats.items():
                    loads.append(await measure(bench, model, posts, room, repeats))
    return loads


def section(loads: Sequence[Load]) -> str:
    """The section of docs/performance.md."""
    setting = (
        f"`python -m benchmarks.cpu` on {machine_facts(PACKAGES)}. What the process of one worker "
        f"(`--concurrency {CONCURRENCY}`) uses of a core, user and system, from the order to the stored digest, its "
        f"ticks and signs of life included, with a model that answers at once, five posts a call. Medians of up to 7 "
        f"runs with a warm worker, with 10,000 posts of one. The bare script makes the same calls with the same SDK, "
        f"and nothing else: what is above it is ours. A digest of {ROOM} posts is what a bots file means that says "
        f"nothing about it; the last row of each database is a digest of all posts, with about twice the calls."
    )
    return "\n\n".join(["## CPU a post", paragraph(setting), as_table(loads)])


def _slug(posts: int, room: int) -> str:
    return f"posts-{posts}-room-{room}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few posts, written nowhere")
    plan = QUICK if parser.parse_args().quick else FULL
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = stack.enter_context(model_process(latency_s=0.0))
        loads = asyncio.run(measure_all(plan, folder, model))
    text = section(loads)
    print(text)
    if plan is FULL:
        publish("cpu", text, targets(loads, ROOM))


if __name__ == "__main__":
    main()
