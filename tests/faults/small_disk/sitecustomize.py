"""Loaded by Python itself in processes that have this folder on their path: their SQLite takes no page more while the
file named by TEST_DISK_IS_FULL exists."""

from __future__ import annotations

import os
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

ROOM = 1_000_000_000
IS_FULL = Path(os.environ["TEST_DISK_IS_FULL"])


class SmallDisk(sqlite3.Connection):
    """A connection whose file cannot grow for a while."""

    _most_pages = ROOM

    def cursor(self, *args: Any, **options: Any) -> Any:
        most_pages = 1 if IS_FULL.exists() else ROOM  # SQLite makes of 1 what the file has
        if most_pages != self._most_pages:
            self._most_pages = most_pages
            super().cursor().execute(f"PRAGMA max_page_count={most_pages}").close()
        return super().cursor(*args, **options)


sqlite3.connect = partial(sqlite3.connect, factory=SmallDisk)  # type: ignore[assignment]
