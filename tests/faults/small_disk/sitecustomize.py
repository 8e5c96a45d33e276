"""Loaded by Python itself in processes that have this folder on their path: their SQLite takes no page more while the
file named by TEST_DISK_IS_FULL exists."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

ROOM = 1_000_000_000
IS_FULL = Path(os.environ["TEST_DISK_IS_FULL"])


class SmallDisk(sqlite3.Connection):
    """A connection whose file cannot grow for a while; also as an addition to another kind of connection."""

    _most_pages = ROOM

    def cursor(self, *args: Any, **options: Any) -> Any:
        most_pages = 1 if IS_FULL.exists() else ROOM  # SQLite makes of 1 what the file has
        if most_pages != self._most_pages:
            self._most_pages = most_pages
            super().cursor().execute(f"PRAGMA max_page_count={most_pages}").close()
        return super().cursor(*args, **options)


_connect = sqlite3.connect


def connect(*args: Any, factory: type[sqlite3.Connection] = sqlite3.Connection, **options: Any) -> sqlite3.Connection:
    """As `sqlite3.connect`, on a small disk."""
    return _connect(*args, factory=type("OnASmallDisk", (SmallDisk, factory), {}), **options)


sqlite3.connect = connect  # type: ignore[assignment]
