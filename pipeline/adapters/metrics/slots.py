"""Which of a host's processes writes which files: slots, each taken by one process for its life.

A process that starts takes the lowest free slot of its role, and its counters go on where the slot's last holder left
them: so restarts neither leave ever more files nor make a sum fall. A slot is held by a lock on a file (flock), which
ends with its process, whatever ends that.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO

from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import mark_process_dead

log = logging.getLogger(__name__)

LIVE = "livemax"  # the mode of gauges that go with their process
KINDS = ("counter", "histogram", f"gauge_{LIVE}")
ROOM_BYTES = 1 << 20  # for some 5,000 series; a file that is full is doubled by the library
USED, HEADER_BYTES = struct.Struct("i"), 8  # see prometheus_client/mmap_dict.py


@dataclass(frozen=True)
class Slot:
    """One of this host's places for a process; `close` frees it."""

    name: str
    folder: Path
    lock: IO[bytes]

    def close(self) -> None:
        self.lock.close()


def take_slot(folder: Path, role: str) -> Slot:
    """The lowest slot of this role that no living process has, with files that can be written.

    Raises:
        OSError: the folder cannot be written, or its disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _one_at_a_time(folder):
        slot = next(slot for number in count() if (slot := _try(folder, f"{role}-{number}")) is not None)
    for kind in KINDS:
        _make_room(folder / f"{kind}_{slot.name}.db")
    return slot


def forget_the_dead(folder: Path) -> None:
    """Remove the gauges of processes that have ended; their counters stay."""
    with _one_at_a_time(folder):
        for path in folder.glob("*-*.lock"):
            lock = hold(path)
            if lock is not None:
                mark_process_dead(path.stem, folder)  # type: ignore[no-untyped-call]
                lock.close()


def hold(path: Path) -> IO[bytes] | None:
    """The file, locked until it is closed or this process ends; None: somebody else has it."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _try(folder: Path, name: str) -> Slot | None:
    lock = hold(folder / f"{name}.lock")
    return Slot(name, folder, lock) if lock is not None else None


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    with (folder / "slots.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make_room(path: Path) -> None:
    """A file without holes: on a disk that is full, writing into a hole of a mapped file would kill the process.

    What a crash of the machine has left unreadable is begun anew.
    """
    if path.exists():
        if is_readable(path):
            return
        log.warning("The metrics file %s cannot be read; what it counted is lost.", path.name)
    begun = path.with_suffix(".new")
    with begun.open("wb") as file:
        file.write(USED.pack(HEADER_BYTES).ljust(ROOM_BYTES, b"\0"))
        file.flush()
        os.fsync(file.fileno())
    begun.replace(path)


def is_readable(path: Path) -> bool:
    """Whether the library can make sense of this file: it says itself how much of it is used, and by what."""
    try:
        with path.open("rb") as file:
            (used,) = USED.unpack(file.read(USED.size))
        return HEADER_BYTES <= used <= path.stat().st_size and all(_are_keys(path))
    except (OSError, RuntimeError, ValueError, struct.error):
        return False


def _are_keys(path: Path) -> Iterator[bool]:
    for key, *_ in MmapedDict.read_all_values_from_file(path):  # type: ignore[no-untyped-call]
        yield key.startswith("[")
