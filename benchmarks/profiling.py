"""Where a worker's time goes: python -m benchmarks.profiling [--quick]

py-spy looks two hundred times a second at a warm worker that makes a digest of many posts with a model that answers at
once, on SQLite and PostgreSQL. Writes tables into docs/performance.md; with --quick, few posts, to the screen alone.
Where a process may not be looked at (no ptrace), it says so and ends with 1.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import CONCURRENCY, DATABASES, Bench, open_bench
from benchmarks.profile_figures import Profile, as_table, in_short, read_profile
from benchmarks.report import machine_facts, paragraph, publish
from benchmarks.servers import model_process

PACKAGES = ("celery", "SQLAlchemy", "openai", "py-spy")
PY_SPY = Path(sys.executable).with_name("py-spy")
ROOM = 15
MOST_FUNCTIONS = 15
BEGINS_WITHIN_S = 3.0
RATE = 200  # looks a second


@dataclass(frozen=True)
class Plan:
    databases: Sequence[str]
    posts: int


FULL = Plan(DATABASES, 10_000)
QUICK = Plan(("SQLite",), 500)


@asynccontextmanager
async def recorded(bench: Bench, file: Path) -> AsyncIterator[None]:
    """What its first worker does while the block lasts, in a file."""
    pid = bench.workers[0].pid
    command = [
        str(PY_SPY),
        "record",
        "--pid",
        str(pid),
        "--format",
        "raw",
        "--nolineno",
        "--gil",
        "--rate",
        str(RATE),
        "--output",
        str(file),
    ]
    spy = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        await asyncio.wait_for(spy.wait(), BEGINS_WITHIN_S)
    except TimeoutError:
        pass
    else:
        assert spy.stderr is not None
        raise SystemExit(f"py-spy cannot look at the worker: {(await spy.stderr.read()).decode().strip()}")
    try:
        yield
    finally:
        spy.send_signal(signal.SIGINT)
        await spy.communicate()


async def profile(bench: Bench, posts: int, file: Path) -> Profile:
    await bench.add_bot("many", posts, ROOM)
    async with bench.working(1), recorded(bench, file):
        made = await bench.make_digest("many")
    return read_profile(file.read_text(encoding="utf-8").splitlines(), made.cpu_s, RATE)


async def profile_all(plan: Plan, folder: Path, model_url: str) -> dict[str, Profile]:
    profiles = {}
    for database in plan.databases:
        async with open_bench(folder / database, database, model_url) as bench:
            profiles[database] = await profile(bench, plan.posts, folder / f"{database}.raw")
            print(f"{database}: {profiles[database].samples} samples", flush=True)
    return profiles


def section(plan: Plan, profiles: Mapping[str, Profile]) -> str:
    """The section of docs/performance.md."""
    setting = (
        f"`python -m benchmarks.profiling` on {machine_facts(PACKAGES)}. A digest is made of {plan.posts:,} posts, "
        f"five a call, by one warm worker with `--concurrency {CONCURRENCY}` and a model that answers at once. py-spy "
        f"looks {RATE} times a second at the thread that holds the interpreter's lock. Each look counts for the "
        f"innermost code on the stack that has an owner: what the standard library does, it does for its caller. What "
        f"runs without the lock, which is SQLite itself and the kernel, is only in the sum of the CPU."
    )
    parts = ["## Where the time goes", paragraph(setting)]
    for database, one in profiles.items():
        owners = as_table("whose code", one.by_owner(), one.samples, 20)
        functions = as_table("innermost function of ours", one.by_function(), one.samples, MOST_FUNCTIONS)
        parts += [f"### On {database}", paragraph(in_short(one)), owners, functions]
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few posts, written nowhere")
    plan = QUICK if parser.parse_args().quick else FULL
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = stack.enter_context(model_process(latency_s=0.0))
        profiles = asyncio.run(profile_all(plan, folder, model.url))
    text = section(plan, profiles)
    print(text)
    if plan is FULL:
        publish("profiling", text, [])


if __name__ == "__main__":
    main()
