"""`bots apply` and `bots export`."""

from __future__ import annotations

import argparse
import sys

from pipeline.adapters.token_box import open_token_box
from pipeline.bots_file import read_bots_file, write_bots_file
from pipeline.services.applying import AppliedBot, apply_bots, export_bots
from pipeline.toolbox import Toolbox
from pipeline.wiring import open_process
from settings import Settings, environment_value
from texts import Texts


async def run(settings: Settings, options: argparse.Namespace) -> int:
    async with open_process(settings) as process:
        if options.action == "export":
            return await _export(process.tools, options)
        specs = read_bots_file(options.path)
        applied = await apply_bots(process.tools, specs, lambda: open_token_box(settings.security), environment_value)
    for bot in applied:
        _print(bot)
    return 0


async def _export(tools: Toolbox, options: argparse.Namespace) -> int:
    text = write_bots_file(await export_bots(tools))
    if options.path is None:
        sys.stdout.write(text)
        return 0
    try:
        with options.path.open("w" if options.replace else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        sys.stderr.write(f"{options.path} exists already: name another file, or add --replace to write over it.\n")
        return 1
    return 0


def _print(bot: AppliedBot) -> None:
    sys.stdout.write(f"{bot.slug}: {'created' if bot.is_new else 'updated'}.\n")
    for name in bot.new_sources:
        sys.stdout.write(f"{bot.slug}: the source {name} is new and empty; import posts with --source {name}.\n")
    if bot.next_due is not None:
        due = Texts("en").appointment(bot.next_due, bot.timezone)
        sys.stdout.write(f"{bot.slug}: the next digest is due on {due} ({bot.timezone}).\n")
    if bot.missing_token:
        sys.stdout.write(f"{bot.slug}: {bot.missing_token} is not set; without it a token stored before is kept.\n")
