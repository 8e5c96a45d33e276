"""`adopt`: take over the posts, flags and bots of the program that made digests before, and give flags back to it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.bots_file import write_bots_file
from pipeline.services.adopting import Adopted, adopt_flags, adopt_posts, as_flags, given_by_us
from pipeline.sources.predecessor import Leftover, OldBot, read_bots
from pipeline.sources.scalars import moment
from pipeline.wiring import open_process
from settings import HOME, Settings

SHOWN = 10


async def posts(settings: Settings, options: argparse.Namespace) -> int:
    async with open_process(settings) as process:
        adopted = await adopt_posts(
            process.tools, options.path, table=options.table, source=options.source, dry_run=options.dry_run
        )
    _tell(adopted, "posts", options)
    return 0


async def flags(settings: Settings, options: argparse.Namespace) -> int:
    async with open_process(settings) as process:
        adopted = await adopt_flags(
            process.tools, options.path, table=options.table, slugs=options.bot, dry_run=options.dry_run
        )
    _tell(adopted, "given posts", options)
    return 0


async def bots(settings: Settings, options: argparse.Namespace) -> int:
    found, left = read_bots(options.path, options.table)
    for bot in found:
        spec = bot.spec
        token = f"the token in {spec.token_env}" if spec.token_env else "no token"
        sys.stdout.write(
            f"{spec.slug}: {len(spec.sources)} sources, {len(spec.categories)} categories, {spec.language}, "
            f"{spec.schedule or 'no schedule'}, {token}\n"
        )
    _tell_left(left, {}, options)
    _tell_tokens(found, print_them=options.print_tokens)
    return 0 if options.dry_run else _write(options.output, found)


def _write(path: Path, found: Sequence[OldBot]) -> int:
    """A file that is there may have been corrected by hand: it is left as it is."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(write_bots_file([bot.spec for bot in found]))
    except FileExistsError:
        sys.stderr.write(f"{path} is there already and stays as it is: name another file with --output.\n")
        return 1
    sys.stdout.write(f"Read {path} over, then: python -m pipeline bots apply {path}\n")
    return 0


async def export_flags(settings: Settings, options: argparse.Namespace) -> int:
    async with open_process(settings) as process:
        given = await given_by_us(process.tools, options.bot, options.since)
    text = as_flags(given)
    if options.path is None:
        sys.stdout.write(f"{text}\n")
        return 0
    options.path.write_text(f"{text}\n", encoding="utf-8")
    sys.stdout.write(f"{len(given)} posts that readers were given stand in {options.path}.\n")
    return 0


def since(value: str) -> object:
    """For argparse: a moment in ISO 8601; one without a zone is UTC."""
    found = moment(value)
    if found is None:
        raise argparse.ArgumentTypeError(f"{value} is no moment: write 2026-11-24 or 2026-11-24T09:00:00+03:00")
    return found


def _tell(adopted: Adopted, what: str, options: argparse.Namespace) -> None:
    for name, number in adopted.taken.items():
        if options.dry_run:
            line = f"{name}: {number} {what} would be taken over"
        else:
            line = f"{name}: {number} {what} taken over, {adopted.already[name]} were there already"
        sys.stdout.write(f"{line}.\n")
    if not adopted.taken:
        sys.stdout.write(f"There are no {what} to take over.\n")
    _tell_left(adopted.left, adopted.fields_not_taken, options)


def _tell_left(left: Sequence[Leftover], fields: Mapping[str, int], options: argparse.Namespace) -> None:
    """Say what was not taken over, all of it in the report."""
    for one in left[:SHOWN]:
        sys.stdout.write(f"  not taken over, {one.where}: {one.why}.\n")
    if len(left) > SHOWN:
        sys.stdout.write(f"  … and {len(left) - SHOWN} more.\n")
    if fields:
        sys.stdout.write(f"  fields without a place here: {', '.join(fields)}.\n")
    report = {
        "file": str(options.path),
        "not_taken_over": [{"where": one.where, "why": one.why} for one in left],
        "fields_without_a_place": dict(fields),
    }
    path: Path = options.report or HOME / "var" / f"adopt-{options.action}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    if left or fields:
        sys.stdout.write(f"All of it is listed in {path}.\n")


def _tell_tokens(found: Sequence[OldBot], *, print_them: bool) -> None:
    named = {bot.spec.token_env: bot.token for bot in found if bot.token and bot.spec.token_env}
    if print_them:
        for name, token in named.items():
            sys.stdout.write(f"{name}={token}\n")
    elif named:
        sys.stdout.write(
            f"Put the tokens into .env as {', '.join(sorted(named))}; with --print-tokens the lines are printed here.\n"
        )
