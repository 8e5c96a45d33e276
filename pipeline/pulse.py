"""What a process does in the background while it works: signs of life, lease renewal, the tick."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

from sqlalchemy.exc import SQLAlchemyError

from pipeline.services.ticking import tick
from pipeline.toolbox import Toolbox
from storage import work, workers
from storage.records import Worker

log = logging.getLogger(__name__)

BEAT_EVERY_S = 1.0
RENEW_EVERY_S = 10.0
TICK_EVERY_S = 2.0


def owner_name() -> str:
    """A name for this process that no other process, past or present, has: host:pid:random."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def is_dead(owner: str, me: str) -> bool:
    """Whether this owner's process has certainly ended: it was on this host, and its process id is free, or ours."""
    host, pid, _ = owner.rsplit(":", 2)
    if owner == me:
        return False
    is_ours = host == socket.gethostname() and int(pid) == os.getpid()
    return is_ours or is_dead_process(host, int(pid))


def is_dead_process(host: str, pid: int) -> bool:
    """Whether no process of this id runs on this very host."""
    if host != socket.gethostname():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


class Pulse:
    """Runs the background loops. `worker` is None in a process that is no Celery worker and gives no signs of life."""

    def __init__(self, tools: Toolbox, worker: Worker | None) -> None:
        self._tools = tools
        self._worker = worker
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        loops = [_every(RENEW_EVERY_S, self._renew), _every(TICK_EVERY_S, self._tick)]
        if self._worker is not None:
            loops.append(_every(BEAT_EVERY_S, self._beat))
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._worker is not None:
            async with self._tools.database.write() as session:
                await workers.leave(session, self._worker.name)

    async def _beat(self) -> None:
        assert self._worker is not None
        async with self._tools.database.write() as session:
            await workers.beat(session, replace(self._worker, seen_at=self._tools.now()))

    async def _renew(self) -> None:
        async with self._tools.database.write() as session:
            await work.renew(session, self._tools.owner, self._tools.now())

    async def _tick(self) -> None:
        if await tick(self._tools, await self._dead_owners()):
            await self._forget_dead_workers()

    async def _forget_dead_workers(self) -> None:
        async with self._tools.database.read() as session:
            dead = [one.name for one in await workers.everyone(session) if is_dead_process(one.host, one.pid)]
        if dead:
            async with self._tools.database.write() as session:
                for name in dead:
                    await workers.leave(session, name)

    async def _dead_owners(self) -> Collection[str]:
        async with self._tools.database.read() as session:
            owners = await work.owners(session)
        return {owner for owner in owners if is_dead(owner, self._tools.owner)}


async def _every(seconds: float, do: Callable[[], Awaitable[None]]) -> None:
    """Do it now and then every so many seconds; a database that is away for a while costs a line, not the process."""
    while True:
        try:
            await do()
        except SQLAlchemyError as error:
            log.warning("The database does not answer (%s); trying again.", type(error).__name__)
        except Exception:
            log.exception("A background job failed; it is done again in %.0f s.", seconds)
        await asyncio.sleep(seconds)
