"""What a process does in the background while it works: signs of life, lease renewal, the tick."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from functools import cache
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import AnotherMachine
from pipeline.services.neighbours import Neighbourhood
from pipeline.services.one_machine import OtherMachines
from pipeline.services.schema_watch import SchemaWatch
from pipeline.services.ticking import LOCAL_ENGINE, LOCAL_ENGINE_HOLD, tick
from pipeline.services.ticking import ROLE as TICK_ROLE
from pipeline.signs_of_life import SignsOfLife
from pipeline.toolbox import Toolbox
from storage import model_answers, sources, work, workers
from storage.database import trouble
from storage.records import Worker

log = logging.getLogger(__name__)

BEAT_EVERY_S = 1.0
RENEW_EVERY_S = 10.0
AFTER_DATABASE_ERROR_S = 1.0
TICK_EVERY_S = 2.0
LOOK_AROUND_EVERY_S = 3.0
LIVE_EVERY_S = 5.0
SCHEMA_EVERY_S = 10.0
TIDY_EVERY_S = 3600.0


def owner_name() -> str:
    """A name for this process that no other process, past or present, has: host/machine.space:pid:random."""
    return f"{socket.gethostname()}/{_machine()}:{os.getpid()}:{secrets.token_hex(4)}"


def host_of(owner: str) -> str:
    """The host's name, for people."""
    return owner.partition("/")[0]


def is_dead(owner: str, me: str) -> bool:
    """Whether this owner's process has certainly ended: it was among the processes that we see, and its id is free, or
    ours. Elsewhere only its lease can tell."""
    place, pid, _ = owner.rsplit(":", 2)
    if owner == me or place != me.rsplit(":", 2)[0] or not _machine():
        return False
    if int(pid) == os.getpid():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


@cache
def _machine() -> str:
    """What tells this boot of this kernel from all others, and this space of process ids; empty where nothing does."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
    return ".".join(hashlib.blake2b(one.encode(), digest_size=4).hexdigest() for one in (boot, space))


class Pulse:
    """Runs the background loops. `worker` is None in a process that is no Celery worker and gives no signs of life.

    `refused` raises AnotherMachine as soon as the process must end for its sake.
    """

    def __init__(self, tools: Toolbox, worker: Worker | None) -> None:
        self._tools = tools
        self._worker = worker
        self._neighbourhood = Neighbourhood(tools)
        self._other_machines = OtherMachines(tools)
        self.refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._signs = SignsOfLife(os.environ)
        self._schema = SchemaWatch(tools)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        loops = [
            _every(RENEW_EVERY_S, self._renew),
            _every(TICK_EVERY_S, self._tick),
            _every(LOOK_AROUND_EVERY_S, self._neighbourhood.look),
            _every(LOOK_AROUND_EVERY_S, self._look_for_other_machines),
            _every(LIVE_EVERY_S, self._live),
            _every(SCHEMA_EVERY_S, self._schema.look),
            _every(TIDY_EVERY_S, self._tidy),
        ]
        if self._worker is not None:
            loops.append(_every(BEAT_EVERY_S, self._beat))
        if self._tools.has_local_engine:
            loops.append(_every(TICK_EVERY_S, self.stand_for_local_engines))
        self._tasks = [asyncio.create_task(loop) for loop in loops]
        self._signs.is_ready()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self._leave()
        except SQLAlchemyError as error:
            log.warning("The database does not work (%s): what this process held runs out by itself.", trouble(error))

    async def _leave(self) -> None:
        async with self._tools.database.write() as session:
            for role in (TICK_ROLE, LOCAL_ENGINE):
                await workers.free_role(session, role, self._tools.owner)
            if self._worker is not None:
                await workers.leave(session, self._worker.name)

    async def _beat(self) -> None:
        assert self._worker is not None
        async with self._tools.database.write(is_quick=True) as session:
            await workers.beat(session, replace(self._worker, seen_at=self._tools.now()))

    async def _renew(self) -> None:
        if self._tools.in_hand:
            async with self._tools.database.write() as session:
                await work.renew(session, self._tools.owner, self._tools.in_hand, self._tools.now())

    async def _tick(self) -> None:
        await tick(self._tools, await self._dead_owners())
        self._signs.works()

    async def _tidy(self) -> None:
        async with self._tools.database.write() as session:
            await workers.forget_old(session, self._tools.now())
            await model_answers.forget_old(session, self._tools.now())
        async with self._tools.database.read() as session:
            wrong = await sources.miscounted(session)
        for source_id in wrong:
            async with self._tools.database.write() as session:
                await sources.count_anew(session, source_id)

    async def _look_for_other_machines(self) -> None:
        try:
            await self._other_machines.look()
        except AnotherMachine as refusal:
            if not self.refused.done():
                self.refused.set_exception(refusal)

    async def _live(self) -> None:
        self._signs.lives()

    async def stand_for_local_engines(self) -> None:
        """One living local engine is enough for all local runs: they look at the same rows."""
        async with self._tools.database.write() as session:
            await workers.take_role(session, LOCAL_ENGINE, self._tools.owner, self._tools.now(), LOCAL_ENGINE_HOLD)

    async def _dead_owners(self) -> Collection[str]:
        async with self._tools.database.read() as session:
            owners = await work.owners(session) | await workers.role_owners(session)
        return {owner for owner in owners if is_dead(owner, self._tools.owner)}


async def _every(seconds: float, do: Callable[[], Awaitable[None]]) -> None:
    """Do it now and then every so many seconds; a database that is away for a while costs a line, not the process."""
    while True:
        try:
            await do()
        except SQLAlchemyError as error:
            log.warning("The database does not work (%s); trying again.", trouble(error))
            await asyncio.sleep(min(seconds, AFTER_DATABASE_ERROR_S))
            continue
        except Exception:
            log.exception("A background job failed; it is done again in %.0f s.", seconds)
        await asyncio.sleep(seconds)
