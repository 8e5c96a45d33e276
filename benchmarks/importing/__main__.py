"""How fast posts come in and how much memory it takes: python -m benchmarks.importing [--megabytes N]

Writes exports of 300 megabytes and of a tenth of it into a temporary folder. Each of the three forms is read; that of a
channel is imported into an empty database and once more over what is there, into SQLite and into PostgreSQL, each time
in a process of its own. Writes its section of docs/performance.md; with --quick, 30 megabytes, to the screen alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from benchmarks.bench import DATABASES
from benchmarks.importing.exports import KINDS, write_export
from benchmarks.importing.figures import Case, Growth, Sample, as_table, targets
from benchmarks.report import machine_facts, paragraph, publish
from settings import HOME
from tests.servers.postgres_server import PostgresServer

MEGABYTES, QUICK_MEGABYTES = 300, 30
REPEATS = 3
PACKAGES = ("ijson", "SQLAlchemy", "psycopg")


def sample(path: Path, *options: str) -> Sample:
    command = [sys.executable, "-m", "benchmarks.importing.one", str(path), *options]
    done = subprocess.run(command, cwd=HOME, check=True, stdout=subprocess.PIPE, text=True)
    return Sample(**json.loads(done.stdout))


def read_all(folder: Path, megabytes: int, repeats: int) -> Iterator[Case]:
    for kind in KINDS:
        path = write_export(kind, folder / f"{kind}.json", megabytes)
        yield Case(f"reading: {kind}", megabytes, [sample(path) for _ in range(repeats)])
        path.unlink()


def import_into(
    name: str, new_database: Callable[[], str], small: Path, large: Path, megabytes: int, repeats: int
) -> tuple[Growth, Case]:
    """First imports of both files, and another one over the last."""
    firsts = []
    for _ in range(repeats):
        url = new_database()
        firsts.append(sample(large, "--into", url))
    again = Case(f"importing again: {name}", megabytes, [sample(large, "--into", url)])
    tenth = Case(f"importing: {name}", megabytes // 10, [sample(small, "--into", new_database())])
    return Growth(name, Case(f"importing: {name}", megabytes, firsts), tenth), again


def section(cases: Sequence[Case], megabytes: int, repeats: int) -> str:
    """The section of docs/performance.md."""
    runs = f"medians of {repeats} runs, each in its own process" if repeats > 1 else "of one run"
    setting = (
        f"`python -m benchmarks.importing --megabytes {megabytes}` on {machine_facts(PACKAGES)}. Exports of a channel, "
        f"of a whole account, and a dump as scripts write them, their messages as in news channels, every second one "
        f"of an export without text. All of a file is read before the first post is stored; the figures of an "
        f"import are for both, and {runs}; the memory is the highest of any."
    )
    return "\n\n".join(["## Importing", paragraph(setting), as_table(cases)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=MEGABYTES, metavar="N")
    parser.add_argument("--repeats", type=int, default=REPEATS, metavar="N")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    parser.add_argument("--quick", action="store_true", help="30 megabytes into SQLite, once, written nowhere")
    options = parser.parse_args()
    databases = DATABASES if options.database == "both" else (options.database,)
    megabytes, repeats = options.megabytes, options.repeats
    if options.quick:
        megabytes, repeats, databases = QUICK_MEGABYTES, 1, databases[:1]
    grown: list[Growth] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cases = list(read_all(folder, megabytes, repeats))
        large = write_export("channel", folder / "large.json", megabytes)
        small = write_export("channel", folder / "small.json", megabytes // 10)
        for name in databases:
            new_database = _maker(name, folder, stack)
            growth, again = import_into(name, new_database, small, large, megabytes, repeats)
            grown.append(growth)
            cases += [growth.small, growth.large, again]
    text, rows = section(cases, megabytes, repeats), tuple(targets(grown))
    if not options.quick:
        publish("importing", text, rows)
    print(text)
    for row in rows:
        print(f"{row.measure}: {row.measured}, wanted {row.wanted}")


def _maker(database: str, folder: Path, stack: ExitStack) -> Callable[[], str]:
    """Gives the URL of a new database at each call."""
    if database == "PostgreSQL":
        server = PostgresServer()
        stack.callback(server.stop)
        return server.create_database
    numbers = count(1)
    return lambda: f"sqlite:///{folder}/{next(numbers)}.db"


if __name__ == "__main__":
    main()
