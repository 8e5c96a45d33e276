"""How long operators wait, what processes weigh, how soon they start: python -m benchmarks.desk [--quick]

A whole installation as real processes: the bot, one worker, the servers of Telegram and of the model, on SQLite and on
PostgreSQL. People ask /digest and /status while nothing goes on, and while a run of 10,000 posts does.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench import DATABASES
from benchmarks.desk.figures import Desk
from benchmarks.desk.page import section
from benchmarks.desk.place import Place, open_place
from benchmarks.desk.starts import start_again
from benchmarks.desk.waiting import Plan, add_bots, wait_in_a_crowd, wait_in_silence
from benchmarks.desk.weighing import deliver, work_offline
from benchmarks.report import publish, table
from benchmarks.servers import model_process

FULL = Plan(small_bots=60, cards=40, statuses=150, large_posts=10_000, starts=5)
QUICK = Plan(small_bots=6, cards=3, statuses=20, large_posts=300, starts=1)


async def measure(plan: Plan, databases: Sequence[str], folder: Path, model_url: str) -> Desk:
    desk = Desk()
    for database in databases:
        async with open_place(folder / database, database, model_url) as place:
            await _measure_at(place, plan, desk)
    await work_offline(folder / "offline", desk)
    return desk


async def _measure_at(place: Place, plan: Plan, desk: Desk) -> None:
    await add_bots(place, plan)
    await start_again(place, plan.starts, desk)
    await place.start_bot()
    async with place.bench.working(1):
        await wait_in_silence(place, plan, desk)
        await wait_in_a_crowd(place, plan, desk)
        await deliver(place, desk)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.8, metavar="SECONDS", help="of a model call")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    parser.add_argument("--quick", action="store_true", help="a small run on SQLite, written nowhere")
    options = parser.parse_args()
    databases = DATABASES if options.database == "both" else (options.database,)
    plan, databases = (QUICK, databases[:1]) if options.quick else (FULL, databases)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, model_process(options.latency) as model:
        desk = asyncio.run(measure(plan, databases, Path(folder), model.url))
    text, targets = section(desk, options.latency), tuple(desk.targets())
    if not options.quick:
        publish("desk", text, targets)
    rows = [(one.measure, one.wanted, one.measured, "yes" if one.is_reached else "no") for one in targets]
    print(text, table(("measure", "must reach", "measured", "reached"), rows), sep="\n\n")
    print(f"\n{(time.monotonic() - begun) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
