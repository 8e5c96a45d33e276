"""What tests of the shell scripts share: little programs, and waiting for what a process does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

DEADLINE_S = 10.0


def wait_until(is_true: Callable[[], bool]) -> None:
    """Return once it is true; fail after DEADLINE_S."""
    deadline = time.monotonic() + DEADLINE_S
    while not is_true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def make_executable(path: Path, text: str) -> Path:
    """A bash script of this text that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{text}")
    path.chmod(0o755)
    return path
