"""The services of compose.yaml as processes of this machine: the same commands, environments, health checks and
signals, in a folder that holds what the image holds. What containers would map (paths, hosts, ports) is mapped by
replacing words.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.deploy.files import build_context, filled_in, image_environment, services
from tests.servers.redis_server import redis_binary

Words = Mapping[str, str]


class Containers:
    """`given` is the content of deploy/.env; `mapped` says what stands for a word of compose.yaml or the image here."""

    def __init__(self, folder: Path, given: Mapping[str, str], mapped: Words) -> None:
        self.folder = folder
        self.app = folder / "app"
        build_context(self.app)
        (self.app / "var").mkdir()
        (folder / "bin").mkdir()
        (folder / "bin" / "redis-server").symlink_to(redis_binary())
        self._given = given
        self._mapped = {"/app/": f"{self.app}/", **mapped}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start a service; `variables` come on top of what it is given."""
        environment = {**self.environment(name), **variables}
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                self.command(name), cwd=self.app, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._processes[name] = process
        return process

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a service to its end."""
        return subprocess.run(
            self.command(name), cwd=self.app, env=self.environment(name), capture_output=True, text=True, check=False
        )

    def is_healthy(self, name: str) -> bool:
        """Run its health check: compose.yaml's, else the image's."""
        assert self._processes[name].poll() is None, self.log(name)
        check = services()[name].get("healthcheck", {}).get("test", ["CMD", "/app/deploy/healthcheck.sh"])
        command = self._words(check[1:])
        return subprocess.run(command, env=self.environment(name), capture_output=True, check=False).returncode == 0

    def stop(self, name: str) -> int:
        """SIGTERM, as an engine does; fails where it would have to kill."""
        process = self._processes.pop(name)
        process.terminate()
        return process.wait(int(services()[name]["stop_grace_period"].removesuffix("s").replace("1m", "60")))

    def stop_all(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait(10)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def command(self, name: str) -> list[str]:
        return self._words(filled_in(word, self._given) for word in services()[name]["command"])

    def environment(self, name: str) -> dict[str, str]:
        service = services()[name]
        from_file = self._given if "env_file" in service else {}
        said = {key: filled_in(str(value), self._given) for key, value in service.get("environment", {}).items()}
        image = {key: value for key, value in image_environment().items() if key != "PATH"}
        sign = {"DIGEST_SIGN_OF_LIFE": str(self.folder / f"{name}.sign")}  # each container has a /tmp of its own
        path = os.pathsep.join((str(self.folder / "bin"), f"{sys.prefix}/bin", os.environ["PATH"]))
        both = {**image, **from_file, **said}
        return {**{key: self._word(value) for key, value in both.items()}, **sign, "PATH": path}

    def _words(self, words: Any) -> list[str]:
        return [self._word(word) for word in words]

    def _word(self, word: str) -> str:
        for here, there in self._mapped.items():
            word = word.replace(here, there)
        return word
