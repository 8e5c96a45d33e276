"""`digest`: make one, and with --wait print it."""

from __future__ import annotations

import argparse
import sys
from contextlib import AsyncExitStack

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from pipeline.errors import ForPeople
from pipeline.services.following import follow, load_digest
from pipeline.services.starting import Order, find_bot, ring_for, start_run
from pipeline.stages.funnel import funnel
from pipeline.stages.pace import stage_counts
from pipeline.stages.plain_rendering import as_html, as_json, as_text
from pipeline.toolbox import Toolbox
from pipeline.wiring import local_engine, open_process
from settings import Settings
from storage.records import Digest, Engine, PublicBot, RunProgress, RunState
from texts import Texts


async def run(settings: Settings, options: argparse.Namespace) -> int:
    waits = options.wait or settings.engine.mode == "local"
    async with AsyncExitStack() as stack:
        process = await stack.enter_async_context(
            open_process(settings, "command" if waits else None, with_local_engine=waits)
        )
        tools = process.tools
        bot = await find_bot(tools, options.bot)
        if waits:
            await stack.enter_async_context(local_engine(process))
        deliver = not options.no_deliver and (waits or bot.has_token)
        started = await start_run(tools, Order(options.bot, options.period, options.limit, deliver=deliver))
        await ring_for(tools, started.run)
        if not started.is_new:
            sys.stderr.write(f"Run {started.run.id} of {started.run.bot_slug} is going on already.\n")
        if not waits:
            whom = _who_is_given_it(bot, deliver=deliver)
            sys.stdout.write(f"Run {started.run.id} has started: python -m pipeline status. {whom}\n")
            return 0
        ended = await watch(tools, started.run.id, Console(stderr=True))
        return await _print(tools, ended, options.format)


def _who_is_given_it(bot: PublicBot, *, deliver: bool) -> str:
    if deliver:
        return f"Its digest goes to the readers of {bot.slug}, after an operator's word where that is asked for."
    without = "" if bot.has_token else " without --wait"
    return f"Nobody is given it{without}, so its posts stay free."


async def watch(tools: Toolbox, run_id: int, console: Console) -> RunProgress:
    """Follow a run with a progress bar until it has ended or waits for an operator's word."""
    columns = (TextColumn("{task.description:<22}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        bar: TaskID | None = None
        async for progress in follow(tools, run_id):
            done, total = stage_counts(progress) or (0, None)
            if bar is None:
                bar = bars.add_task("", total=None)
            stage = "paused" if progress.run.is_paused else progress.run.state
            bars.update(bar, description=f"{progress.run.bot_slug}: {stage}", completed=done, total=total)
    return progress


async def _print(tools: Toolbox, ended: RunProgress, form: str) -> int:
    run = ended.run
    if run.failure is not None:
        raise ForPeople(run.failure.message_id, **run.failure.params)
    if run.state is RunState.CANCELLED:
        sys.stderr.write(f"Run {run.id} was cancelled.\n")
        return 1
    digest = await load_digest(tools, run.id)
    if digest is None:
        sys.stderr.write(why_nothing(ended))
        digest = Digest(run.id, run.bot_slug, run.bot_title, "en", "UTC", run.period, ())
        if form == "text":
            return 0
    write_digest(digest, form)
    sys.stderr.write(what_of_readers(ended))
    if run.engine is Engine.LOCAL and tools.settings.engine.mode == "celery":
        sys.stderr.write("Redis could not be reached, so this process did the work itself.\n")
    return 0


def write_digest(digest: Digest, form: str) -> None:
    texts = Texts(digest.language)
    match form:
        case "json":
            text = as_json(digest)
        case "html":
            text = as_html(digest, texts)
        case _:
            text = as_text(digest, texts)
    sys.stdout.write(text.rstrip("\n") + "\n")


def why_nothing(ended: RunProgress) -> str:
    counts = funnel(ended.posts)
    least = f", and a digest needs {ended.run.min_posts} at least" if counts.relevant else ""
    return (
        f"There is nothing to give: {counts.seen} posts in the period, {counts.fresh} not given before, "
        f"{counts.distinct} distinct, {counts.relevant} relevant{least}.\n"
    )


def what_of_readers(ended: RunProgress) -> str:
    """Whether the digest has reached the readers, or what it waits for; nothing where it was for nobody but us."""
    if ended.run.state is RunState.AWAITING_APPROVAL:
        return (
            f"This is a draft: run {ended.run.id} waits for an operator, who publishes it in Telegram "
            f"to {ended.readers} readers. See it with /status {ended.run.id}.\n"
        )
    if ended.delivery is None:
        return ""
    reached = ended.delivery
    return f"Delivered to {reached.delivered} readers, failed {reached.failed}, uncertain {reached.uncertain}.\n"
