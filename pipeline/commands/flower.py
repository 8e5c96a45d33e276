"""`flower`, which scripts/start_monitoring.sh starts, and what the scripts ask about it."""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import IO

from settings import HOME, BadSettings, Settings

FOLDER = "DIGEST_FLOWER_DIR"
DEFAULT_PORT = 5555
DEFAULT_HOST = "127.0.0.1"

log = logging.getLogger(__name__)


class Seat(AbstractContextManager["Seat"]):
    """The place of the one Flower of this installation: a file that is locked as long as its process lives.

    It holds the process' number and address. A file that is not locked was left behind and says nothing.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "flower.pid"
        self._file: IO[str] | None = None

    def take(self) -> bool:
        """Whether the place was free."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.parent.chmod(0o700)
        file = self._path.open("a+")
        if not _locked(file):
            file.close()
            return False
        self._file = file
        file.truncate(0)
        return True

    def announce(self, address: str) -> None:
        assert self._file is not None
        self._file.write(f"{os.getpid()} {address}\n")
        self._file.flush()

    def holder(self) -> str | None:
        """The process' number and its address, if there is one."""
        if not self._path.exists():
            return None
        with self._path.open() as file:
            return None if _locked(file) else file.read().strip() or None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Serve until SIGTERM.

    Raises:
        BadSettings: its place, its address or its password cannot be used.
    """
    from pipeline.adapters.flower_login import flower_login
    from pipeline.adapters.flower_server import serve_flower

    folder = flower_folder()
    with Seat(folder) as seat:
        if not seat.take():
            raise BadSettings("Flower of this installation is already running: scripts/stop_monitoring.sh stops it.")
        login = flower_login(folder.with_name(f"{folder.name}.password"))

        def on_listening(port: int) -> None:
            address = f"http://{options.host}:{port}"
            log.info("Flower is at %s; user %s, password: see %s.", address, login.user, login.found_in)
            seat.announce(address)  # who waits for this reads the line above

        serve_flower(
            settings.redis.url, host=options.host, port=options.port, login=login, database=folder / "flower.db",
            on_listening=on_listening,
        )  # fmt: skip
    return 0


async def running(settings: Settings, options: argparse.Namespace) -> int:
    """Print the number and the address of the process that serves this installation's Flower; 1 where there is none."""
    holder = Seat(flower_folder()).holder()
    if holder is None:
        return 1
    sys.stdout.write(f"{holder}\n")
    return 0


def flower_folder() -> Path:
    return Path(os.environ.get(FOLDER) or HOME / "var" / "flower").absolute()


def _locked(file: IO[str]) -> bool:
    """Whether the lock was free; it goes with the file or the process."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
