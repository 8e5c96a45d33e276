"""`sources list` and `sources add`."""

from __future__ import annotations

import argparse
import sys

from pipeline.wiring import open_process
from settings import Settings
from storage import operators, sources
from storage.records import COMMAND_LINE, ActionKind


async def run(settings: Settings, options: argparse.Namespace) -> int:
    async with open_process(settings) as process:
        tools = process.tools
        if options.action == "add":
            async with tools.database.write() as session:
                source = await sources.ensure_file_source(
                    session, options.name, title=options.title, username=options.username, now=tools.now()
                )
                await operators.write_down(
                    session, COMMAND_LINE, ActionKind.ADD_SOURCE, tools.now(), source=source.name
                )
            sys.stdout.write(f"{source.name}: {source.title}\n")
            return 0
        async with tools.database.read() as session:
            found = await sources.overview(session)
    for one in found:
        last = f"last post {one.last_post_at:%Y-%m-%d %H:%M} UTC" if one.last_post_at else "no posts yet"
        sys.stdout.write(f"{one.source.name}: {one.source.title}, {one.posts} posts, {last}\n")
    if not found:
        sys.stdout.write("There are no sources yet: python -m pipeline import PATH --source NAME\n")
    return 0
