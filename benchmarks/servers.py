"""The model server as a process of its own, so that it does not wait for a benchmark, nor a benchmark for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

import psutil

from settings import HOME


@dataclass(frozen=True)
class ModelProcess:
    """`url` is what a client takes as its base URL."""

    url: str
    process: psutil.Process

    @property
    def cpu_s(self) -> float:
        """What it has used since it began."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def calls(self) -> Sequence[Mapping[str, Any]]:
        """Every request since the last `forget`, in their order: see `tests.servers.model_server.Call`."""
        with urlopen(self._control("GET"), timeout=60) as reply:
            found: list[Mapping[str, Any]] = json.load(reply)["calls"]
        return found

    def forget(self) -> None:
        """The requests so far are listed no more, and take no memory."""
        urlopen(self._control("DELETE"), timeout=60).close()

    def _control(self, method: str) -> Request:
        return Request(f"{self.url.removesuffix('/v1')}/control/calls", method=method)


@contextmanager
def model_process(latency_s: float, failing: float = 0.0) -> Iterator[ModelProcess]:
    """Answers every call after `latency_s`; this share of them badly, each in one of several ways."""
    options = ["--port", "0", "--latency", str(latency_s), "--failing", str(failing)]
    command = [sys.executable, "-m", "tests.servers.model_server", *options]
    with subprocess.Popen(command, cwd=HOME, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().rpartition(" ")[2].strip()
            yield ModelProcess(url, psutil.Process(process.pid))
        finally:
            process.terminate()
