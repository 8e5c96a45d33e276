"""What tells those who started this process that it lives and works: a file, for the health check of a container, and
systemd's notifications. Each is given only where the environment asks for it."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

FILE = "DIGEST_SIGN_OF_LIFE"
SYSTEMD = "NOTIFY_SOCKET"  # https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html


class SignsOfLife:
    """`environment` names the file (DIGEST_SIGN_OF_LIFE) and systemd's socket (NOTIFY_SOCKET), or neither."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        file, address = environment.get(FILE), environment.get(SYSTEMD)
        self._file = Path(file) if file else None
        self._address = address.replace("@", "\0", 1) if address else None

    def is_ready(self) -> None:
        """It has begun to serve."""
        self._tell_systemd(b"READY=1")

    def lives(self) -> None:
        """Its event loop turns, whatever the database does."""
        self._tell_systemd(b"WATCHDOG=1")

    def works(self) -> None:
        """It has looked after the work in the database just now."""
        if self._file is not None:
            self._file.touch()

    def _tell_systemd(self, state: bytes) -> None:
        if self._address is not None:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
                systemd.sendto(state, self._address)
