"""`import`: posts out of a file."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from pipeline.services.importing import import_file
from pipeline.wiring import open_process
from settings import Settings


async def run(settings: Settings, options: argparse.Namespace) -> int:
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:.0f}"))
    async with open_process(settings) as process:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            bar = bars.add_task("messages read:")
            report = await import_file(
                options.path,
                options.source,
                database=process.tools.database,
                now=process.tools.now,
                title=options.title,
                username=options.username,
                progress=lambda read: bars.update(bar, completed=read),
            )
    lines = [f"{options.source}: {report.read} read, {report.new} new, {report.updated} updated, "
             f"{report.unchanged} unchanged, {report.without_text} without text, "
             f"{sum(report.skipped.values())} skipped"]  # fmt: skip
    lines += [f"  skipped, {reason}: {number}" for reason, number in sorted(report.skipped.items())]
    if report.left_out_chats:
        lines.append(f"  private chats left out: {report.left_out_chats}; only channels are imported")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0
