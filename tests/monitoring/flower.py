"""Flower as a person meets it: two scripts and a web page behind a password."""

from __future__ import annotations

import base64
import json
import subprocess
import urllib.request
from typing import Any
from urllib.error import HTTPError

import psutil

from settings import HOME
from tests.processes import Installation
from tests.servers.redis_server import free_port

SCRIPT_S = 120


class Flower:
    """The Flower of an installation, on a port of its own."""

    def __init__(self, installation: Installation, user: str = "digest") -> None:
        self.port = free_port()
        self.said = ""
        self.user = user
        self._installation = installation

    def start(self, *arguments: str) -> tuple[int, str]:
        code, self.said = self._script("start_monitoring.sh", *(arguments or (str(self.port),)))
        return code, self.said

    def stop(self) -> tuple[int, str]:
        return self._script("stop_monitoring.sh")

    def process(self) -> psutil.Process:
        return psutil.Process(int(self._installation.pipeline("flower-running").stdout.split()[0]))

    def status(self, path: str, password: str | None = None) -> int:
        """What a browser is answered with."""
        try:
            self.page(path, password)
        except HTTPError as error:
            return error.code
        return 200

    def page(self, path: str, password: str | None) -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        if password is not None:
            login = base64.b64encode(f"{self.user}:{password}".encode()).decode()
            request.add_header("Authorization", f"Basic {login}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())

    def answer(self, path: str, password: str) -> Any:
        """Of its API."""
        return json.loads(self.page(path, password))

    def all_pages(self, password: str) -> dict[str, bytes]:
        """Every page and every answer of its API, by its path."""
        tasks, workers = self.answer("/api/tasks", password), self.answer("/api/workers?refresh=1", password)
        assert tasks
        assert workers
        paths = ["/", "/workers", "/workers?json=1", "/tasks", "/broker", "/metrics", "/healthcheck", "/no-such-page"]
        paths += ["/api/workers", "/api/tasks", "/api/task/types", "/api/queues/length", DATATABLE]
        paths += [path for task in tasks for path in (f"/task/{task}", f"/api/task/info/{task}")]
        paths += [f"/worker/{name}" for name in workers]
        return {f"Flower's {path}": self._page_or_error(path, password) for path in paths}

    def _page_or_error(self, path: str, password: str) -> bytes:
        try:
            return self.page(path, password)
        except HTTPError as error:
            return error.read()

    def _script(self, name: str, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [HOME / "scripts" / name, *arguments],
            env=self._installation.environment,
            cwd="/",
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SCRIPT_S,
        )
        return done.returncode, done.stdout


DATATABLE = "/tasks/datatable?draw=1&start=0&length=100&order[0][column]=0&columns[0][data]=name&order[0][dir]=asc"
