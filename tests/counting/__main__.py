"""What each piece of work asks of the databases: `python -m tests.counting`, and statement by statement:
`python -m tests.counting NAME`, where NAME is a part of a name in `budget.py`."""

from __future__ import annotations

import asyncio
import sys
import tempfile

from tests.counting.databases import counted_in
from tests.counting.pieces import Counted
from tests.servers.postgres_server import PostgresServer


def main(wanted: str = "") -> None:
    with tempfile.TemporaryDirectory() as folder:
        _show("SQLite", wanted, asyncio.run(counted_in(f"sqlite:///{folder}/digest.db")))
    server = PostgresServer()
    try:
        _show("PostgreSQL", wanted, asyncio.run(counted_in(server.create_database())))
    finally:
        server.stop()


def _show(database: str, wanted: str, counted: Counted) -> None:
    for name, piece in counted.pieces.items():
        if wanted in name:
            words = f"\n{piece.words}\n" if wanted else piece.asks
            print(f"{database}, {name}: {words}")  # noqa: T201 - to the person who asks


if __name__ == "__main__":
    main(*sys.argv[1:])
