"""`subscribers`: the readers of a public bot in numbers, their table, and invitation links."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator

from pipeline.services.starting import find_bot
from pipeline.services.surveying import export_readers, invite, load_survey
from pipeline.stages.growth import sparkline
from pipeline.stages.links import start_link
from pipeline.toolbox import Toolbox
from pipeline.wiring import open_process
from settings import Settings
from storage.records import COMMAND_LINE, Invitation, PublicBot, Survey


async def run(settings: Settings, options: argparse.Namespace) -> int:
    async with open_process(settings) as process:
        tools = process.tools
        bot = await find_bot(tools, options.bot)
        if options.invite is not None:
            sys.stdout.write(_line(bot, await invite(tools, bot, options.invite, COMMAND_LINE)) + "\n")
        if options.export is not None:
            await _export(tools, bot, options)
        if options.invite is None and options.export is None:
            sys.stdout.write("\n".join(_lines(await load_survey(tools, bot))) + "\n")
    return 0


async def _export(tools: Toolbox, bot: PublicBot, options: argparse.Namespace) -> None:
    table = await export_readers(tools, bot, COMMAND_LINE)
    options.export.write_bytes(table.content)
    sys.stdout.write(f"{bot.slug}: {table.readers} readers, those who have gone included, are in {options.export}.\n")


def _lines(survey: Survey) -> Iterator[str]:
    audience = survey.audience
    yield f"{survey.bot.slug}: {audience.reading} read it now{_counted(audience.kinds.items())}"
    for one in audience.turnover:
        yield f"last {one.days} days: {one.came} new, {one.went} gone"
    yield f"day by day: {sparkline(audience.growth)} from {audience.growth[0]} to {audience.growth[-1]}"
    if audience.gone:
        yield f"gone: {sum(audience.gone.values())}{_counted(audience.gone.items())}"
    if audience.offered:
        yield f"waiting for an operator's word: {audience.offered}"
    for invitation in survey.invitations:
        yield f"{_line(survey.bot, invitation)}: {invitation.came} came, {invitation.reading} read it now"


def _counted(counts: Iterable[tuple[str, int]]) -> str:
    listed = ", ".join(f"{what} {number}" for what, number in sorted(counts))
    return f" ({listed})" if listed else ""


def _line(bot: PublicBot, invitation: Invitation) -> str:
    link = start_link(bot.username, invitation.code) if bot.username else f"/start {invitation.code}"
    return f"{invitation.origin} {link}"
