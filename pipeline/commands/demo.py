"""`demo`: two digests of the sample posts, by the workers that are running. run_demo.sh starts them."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from rich.console import Console

from pipeline.adapters.token_box import open_token_box
from pipeline.bots_file import read_bots_file
from pipeline.commands.digest import watch, why_nothing, write_digest
from pipeline.services.applying import apply_bots
from pipeline.services.following import load_digest
from pipeline.services.importing import import_file
from pipeline.services.starting import Order, ring_for, start_run
from pipeline.stages.funnel import funnel
from pipeline.toolbox import Toolbox
from pipeline.wiring import open_process
from settings import HOME, Settings
from storage.records import RunProgress

SAMPLES = HOME / "samples"
PERIOD = "2026-11-02..2026-11-03"

WHAT_NEXT = """
What you saw: sample posts, written for this project, went through Redis and a Celery worker, which categorized,
chose and summarized them with the offline model, so no key and no network were needed.

What next, all in README.md:
  your own posts      python -m pipeline import result.json --source my-channel
  in Telegram         put the admin bot's token and your id into .env, then ./run_bot.sh and ./run_worker.sh
  a better model      DIGEST_LLM__API_KEY=… in .env, or DIGEST_LLM__BASE_URL for a server of your own
"""


async def run(settings: Settings, options: argparse.Namespace) -> int:
    console = Console(stderr=True)
    async with open_process(settings) as process:
        tools = process.tools
        await _load_samples(tools, options.samples, console)
        specs = read_bots_file(options.samples / "bots.toml")
        await apply_bots(tools, specs, lambda: open_token_box(settings.security), lambda name: None)
        for spec in specs:
            started = await start_run(tools, Order(spec.slug, period=PERIOD, origin="demo"))
            await ring_for(tools, started.run)
            ended = await watch(tools, started.run.id, console)
            if not await _show(tools, ended):
                return 1
    sys.stdout.write(WHAT_NEXT)
    return 0


async def _load_samples(tools: Toolbox, folder: Path, console: Console) -> None:
    for path in await asyncio.to_thread(lambda: sorted(folder.glob("posts_*.jsonl"))):
        name = f"samples-{path.stem.removeprefix('posts_')}"
        report = await import_file(path, name, database=tools.database, now=tools.now)
        console.print(f"{name}: {report.read} posts read, {report.new} new, {report.without_text} without text")


async def _show(tools: Toolbox, ended: RunProgress) -> bool:
    digest = await load_digest(tools, ended.run.id)
    if digest is None:
        sys.stderr.write(why_nothing(ended))
        return False
    sys.stdout.write("\n")
    write_digest(digest, "text")
    counts = funnel(ended.posts)
    took = (ended.run.finished_at - ended.run.created_at).total_seconds() if ended.run.finished_at else 0
    sys.stdout.write(
        f"\n({counts.seen} posts seen, {counts.distinct} distinct, {counts.relevant} relevant, {counts.given} given; "
        f"{took:.1f} s)\n"
    )
    return True
