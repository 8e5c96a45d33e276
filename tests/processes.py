"""A whole installation in a folder: its settings, and its scripts as real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil

from settings import HOME

DEADLINE_S = 60.0


async def until(condition: Callable[[], Awaitable[bool] | bool], what: str, timeout_s: float = DEADLINE_S) -> float:
    """Wait for a condition; how many seconds it took."""
    started = time.monotonic()
    while True:
        met = condition()
        if await met if isinstance(met, Awaitable) else met:
            return time.monotonic() - started
        assert time.monotonic() - started < timeout_s, f"{what} did not come about within {timeout_s:.0f} s"
        await asyncio.sleep(0.05)


class Installation:
    """`variables` are the settings of all its processes. Every process is ended by `stop_all`."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.database_url = f"sqlite:///{folder}/digest.db"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
        self.environment = {
            **clean,
            "DIGEST_VENV": sys.prefix,
            "DIGEST_DATABASE__URL": self.database_url,
            **variables,
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start a script or program of the project; its output goes to NAME.log."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=HOME, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self._processes[name] = process
        return process

    def start_worker(self, name: str = "worker", *arguments: str) -> subprocess.Popen[bytes]:
        return self.start(name, "./run_worker.sh", "--name", name, *arguments)

    def start_bot(self) -> subprocess.Popen[bytes]:
        return self.start("bot", "./run_bot.sh")

    def pipeline(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `python -m pipeline …` to its end."""
        command = [sys.executable, "-m", "pipeline", *arguments]
        done = subprocess.run(command, cwd=HOME, env=self.environment, capture_output=True, text=True, timeout=120)
        assert not check or done.returncode == 0, f"{arguments} ended with {done.returncode}: {done.stderr}"
        return done

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def python_of(self, name: str) -> psutil.Process:
        """The Python process under a script."""
        script = psutil.Process(self._processes[name].pid)
        return next(child for child in script.children(recursive=True) if "python" in child.name())

    def kill(self, name: str) -> None:
        """kill -9 of the Python process; the script that keeps it running stays."""
        self.python_of(name).kill()

    def kill_all(self, name: str) -> None:
        """kill -9 of the script and of everything under it."""
        script = self._processes.pop(name)
        family = [psutil.Process(script.pid), *psutil.Process(script.pid).children(recursive=True)]
        for one in family:
            one.kill()
        script.wait(10)

    def terminate(self, name: str, timeout_s: float = 30) -> int:
        """SIGTERM to the script, as a person or systemd does; its exit code."""
        process = self._processes.pop(name)
        process.terminate()
        return process.wait(timeout_s)

    def stop_all(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
