"""Everything that can be seen of an installation from outside while it runs."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
from redis import Redis

from pipeline.celery_app import make_worker_app
from tests.processes import Installation

LOOK_EVERY_S = 0.1
ANSWER_S = 5.0
FLOWERS_QUESTIONS = ("stats", "active_queues", "registered", "scheduled", "active", "reserved", "revoked", "conf")
BODY = re.compile(rb'\\"body\\": \\"([A-Za-z0-9+/=]+)\\"')


class Witness:
    """Notes what goes through Redis, what Flower would show, and what `ps` would, from `start` to `stop`."""

    def __init__(self, redis_url: str, port: int, password: str) -> None:
        self._redis_url = redis_url
        self._port = port
        self._password = password
        self._ended = threading.Event()
        self._commands = bytearray()
        self._values: list[tuple[bytes, object]] = []
        self._events: list[Any] = []
        self._command_lines: set[str] = set()
        self._answers: list[Any] = []
        self._threads = [threading.Thread(target=one) for one in (self._monitor, self._listen, self._watch_processes)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._receiver.should_stop = True
        for thread in self._threads:
            thread.join()

    def look(self) -> None:
        """What Redis holds now, and what the workers say of themselves to who asks over the broker, as Flower does."""
        self._values += self._values_now()
        with contextlib.closing(make_worker_app(self._redis_url)) as app:
            for question in FLOWERS_QUESTIONS:
                arguments = {"with_defaults": True} if question == "conf" else {}
                answer = app.control.broadcast(question, arguments, reply=True, timeout=ANSWER_S, limit=1)
                assert answer, f"no worker answers to {question}"
                self._answers.append(answer)

    def evidence(self) -> dict[str, bytes]:
        return {
            "the commands to Redis": bytes(self._commands),
            "the values in Redis": repr(self._values).encode(),
            "the events that Flower shows": repr(self._events).encode(),
            "what workers tell Flower": repr(self._answers).encode(),
            "the list of processes": "\n".join(sorted(self._command_lines)).encode(),
        }

    def task_arguments(self) -> list[list[Any]]:
        """The arguments of every task that was published. The body of a task begins with them; an event's does not."""
        bodies = [json.loads(base64.b64decode(body)) for body in BODY.findall(bytes(self._commands))]
        return [body[0] for body in bodies if isinstance(body, list) and isinstance(body[0], list)]

    def has_seen_event(self, kind: str) -> bool:
        return any(event["type"] == kind for event in self._events)

    def _monitor(self) -> None:
        with socket.create_connection(("127.0.0.1", self._port)) as connection:
            password = self._password.encode()
            connection.sendall(b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\nMONITOR\r\n" % (len(password), password))
            connection.settimeout(LOOK_EVERY_S)
            while not self._ended.is_set():
                with contextlib.suppress(TimeoutError):
                    self._commands += connection.recv(65536)

    def _listen(self) -> None:
        with contextlib.closing(make_worker_app(self._redis_url)) as app, app.connection_for_read() as connection:
            self._receiver = app.events.Receiver(connection, handlers={"*": self._events.append})
            self._receiver.capture(limit=None, timeout=None, wakeup=False)

    def _watch_processes(self) -> None:
        while not self._ended.is_set():
            self._command_lines |= {" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])}
            time.sleep(LOOK_EVERY_S)

    def _values_now(self) -> Iterator[tuple[bytes, object]]:
        with Redis.from_url(self._redis_url) as client:
            ways: dict[bytes, Callable[[bytes], object]] = {
                b"string": client.get,
                b"list": lambda key: client.lrange(key, 0, -1),
                b"set": client.smembers,
                b"hash": client.hgetall,
                b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
            }
            for key in client.scan_iter():
                yield key, ways[client.type(key)](key)


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, by its name."""
    return {f"the file {path.name}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def output(installation: Installation, *arguments: str) -> dict[str, bytes]:
    """What `python -m pipeline …` prints, by its name."""
    done = await asyncio.to_thread(installation.pipeline, *arguments, check=False)
    return {f"the output of {' '.join(arguments[:2])}": (done.stdout + done.stderr).encode()}
