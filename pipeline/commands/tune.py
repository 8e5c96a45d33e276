"""`tune`: which batch size suits a public bot, measured on its own posts."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.commands.consent import agreed
from pipeline.commands.tuning_table import Result, as_object, is_free, table
from pipeline.commands.tuning_words import before, notes, spent, verdict
from pipeline.services.trying import Halted, Trying
from pipeline.services.tuning import Pass, Plan, keep_answers, plan_tuning, store_batch_size
from pipeline.stages.recommendation import LARGEST_SIZE
from pipeline.stages.tuning import ONE_BY_ONE
from pipeline.toolbox import Toolbox
from pipeline.wiring import open_process
from settings import Settings

USUAL_SIZES = (1, 3, 5, 10)
USUAL_POSTS, MOST_POSTS = 50, 1000
FAILURE = 1


async def run(settings: Settings, options: argparse.Namespace) -> int:
    async with open_process(settings, "command") as process:
        tools = process.tools
        plan = await plan_tuning(tools, options.bot, options.sizes, options.posts, once=options.once)
        _tell(*before(plan))
        if not await _may_ask(plan, options):
            _tell("Nothing was asked.")
            return FAILURE
        trying = Trying(tools, plan)
        try:
            await _try(trying)
        except Halted as halted:
            _tell(
                f"The model {plan.provider.model.name} cannot be measured now: {halted}. "
                "Look at llm.base_url and the network, or try again later."
            )
            return FAILURE
        result = Result.of(trying)
        if not options.json:
            sys.stdout.write("\n".join([*table(result), "", *notes(result), "", verdict(result)]) + "\n")
            sys.stdout.flush()
        _tell(spent(trying))
        is_stored = await _offer(tools, result, options)
        if options.json:
            report = as_object(result, verdict(result), is_stored=is_stored)
            sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    return 0


async def _may_ask(plan: Plan, options: argparse.Namespace) -> bool:
    """A script has said what it wants by naming the command; whoever sits there is shown first what it costs."""
    return is_free(plan) or options.yes or not sys.stdin.isatty() or await agreed("Ask the model?")


async def _try(trying: Trying) -> None:
    """Measure. Whatever ends it early, what was spent is said; what was answered one by one is kept for runs."""
    has_ended = False
    try:
        with _bar(trying):
            await trying.run()
        has_ended = True
    finally:
        if not has_ended:
            _tell(*table(Result.of(trying)), f"It did not come to its end. {spent(trying)}")
        await asyncio.shield(keep_answers(trying.tools, trying.plan, trying.alone))


def _bar(trying: Trying) -> Progress:
    columns = (TextColumn("{task.description:<14}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    bar = bars.add_task("", total=len(trying.plan.posts))

    def tell(one: Pass, done: int) -> None:
        bars.update(bar, description=f"size {one.size}{' again' if one.is_again else ''}", completed=done)

    trying.tell = tell
    return bars


async def _offer(tools: Toolbox, result: Result, options: argparse.Namespace) -> bool:
    """Store the recommended size for the public bot, if that is wanted."""
    bot, size, present_size = result.plan.bot, result.found.size, result.plan.present_size
    if size is None:
        return False
    if size == present_size:
        _tell(f"{bot.slug} has batches of {size} already: there is nothing to store.")
        return False
    if not (options.yes or await agreed(f"Store batches of {size} for {bot.slug}, which has {present_size}?")):
        _tell(
            f"Nothing was stored: {bot.slug} keeps batches of {present_size}. To store it, write batch_size = {size} "
            "into its bots file and apply that, or let tune do it with --yes."
        )
        return False
    await store_batch_size(tools, bot, size)
    _tell(
        f"Stored: {bot.slug} has batches of {size} from its next digest on. Write batch_size = {size} into its "
        "bots file as well, which has the last word whenever it is applied."
    )
    return True


def _tell(*lines: str) -> None:
    """To whoever watches: stdout is for the result."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.stderr.flush()


def sizes(text: str) -> tuple[int, ...]:
    """For argparse: "1,3,5,10"; one by one is measured in any case."""
    found: list[int] = []
    for part in map(str.strip, text.split(",")):
        size = _number(part, LARGEST_SIZE, f"batch size: write sizes of 1 to {LARGEST_SIZE} such as 1,3,5")
        if size in found:
            raise argparse.ArgumentTypeError(f"{size} is named twice: name each size once")
        found.append(size)
    if found == [ONE_BY_ONE]:
        raise argparse.ArgumentTypeError("1 is what other sizes are compared with: name another one as well")
    return tuple(found)


def posts(text: str) -> int:
    """For argparse: how many posts to try it on."""
    return _number(text.strip(), MOST_POSTS, f"number of posts: write one of 1 to {MOST_POSTS}")


def _number(text: str, most: int, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"“{text}” is no {what}")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    usual = ",".join(map(str, USUAL_SIZES))
    parser.add_argument("bot", metavar="BOT", help="the public bot's slug")
    parser.add_argument(
        "--sizes", type=sizes, default=USUAL_SIZES, metavar="N,N", help=f"1 is always one; default: {usual}"
    )
    parser.add_argument(
        "--posts", type=posts, default=USUAL_POSTS, metavar="N", help=f"default: the newest {USUAL_POSTS}"
    )
    parser.add_argument(
        "--once", action="store_true", help="ask one by one only once: cheaper, stricter with the others"
    )
    parser.add_argument("--yes", action="store_true", help="ask me nothing: spend what it costs, store what is best")
    parser.add_argument("--json", action="store_true", help="for scripts")
