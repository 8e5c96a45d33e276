"""Reading or importing one file in a process of its own, so that its memory is that of this file alone: the figures are
printed as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from pipeline.services.importing import import_file
from pipeline.sources.files import open_posts
from settings import HOME
from storage.database import Database, database_url
from storage.schema import migrate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--into", metavar="URL", help="a database; without one the file is only read")
    options = parser.parse_args()
    if options.into is None:
        begun, cpu = time.perf_counter(), time.process_time()
        messages = sum(1 for _ in open_posts(options.path))
    else:
        url = database_url(options.into, HOME)
        asyncio.run(migrate(url))
        begun, cpu = time.perf_counter(), time.process_time()
        messages = asyncio.run(_import(options.path, Database(url)))
    unit = 1 if sys.platform == "darwin" else 1024
    figures = {
        "messages": messages,
        "seconds": time.perf_counter() - begun,
        "cpu_s": time.process_time() - cpu,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


async def _import(path: Path, database: Database) -> int:
    try:
        return (await import_file(path, "news", database=database, now=lambda: datetime.now(UTC))).read
    finally:
        await database.close()


if __name__ == "__main__":
    main()
