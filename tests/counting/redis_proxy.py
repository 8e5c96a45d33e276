"""Stands between clients and a real Redis, and writes down what they ask it and when they wait for an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.counting.redis_words import Command, CommandReader

MOST_BYTES = 1 << 16


@dataclass
class Trip:
    """Commands that a client sent at once, before it heard anything, and how the first answer begins."""

    commands: list[Command] = field(default_factory=list)
    answer: bytes = b""


class RedisProxy:
    """Passes everything on as it is. `trips` are those of all clients, in the order in which they were begun.

    A trip begins with the first bytes that a client sends after it has heard something, or at all.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis_port = urlsplit(redis_url).port
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self._trips: list[Trip] = []

    @property
    def url(self) -> str:
        assert self._server is not None, "it is not started"
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    @property
    def trips(self) -> Sequence[Trip]:
        """As they are now; what waits for an answer has none yet."""
        return tuple(self._trips)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        redis_reader, redis_writer = await asyncio.open_connection("127.0.0.1", self._redis_port)
        client = _Client(self._trips)
        ways = (
            asyncio.create_task(_pass_on(reader, redis_writer, client.said)),
            asyncio.create_task(_pass_on(redis_reader, writer, client.heard)),
        )
        with suppress(asyncio.CancelledError):  # by `stop`
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        writer.close()
        redis_writer.close()
        self._talks.discard(talk)


class _Client:
    """One connection."""

    def __init__(self, trips: list[Trip]) -> None:
        self._trips = trips
        self._reader = CommandReader()
        self._waiting: Trip | None = None

    def said(self, data: bytes) -> None:
        if self._waiting is None:
            self._waiting = Trip()
            self._trips.append(self._waiting)
        self._waiting.commands.extend(self._reader.feed(data))

    def heard(self, data: bytes) -> None:
        if self._waiting is not None:
            self._waiting.answer = data[:8]
            self._waiting = None


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, see: Callable[[bytes], None]) -> None:
    while data := await reader.read(MOST_BYTES):
        see(data)
        writer.write(data)
        await writer.drain()
