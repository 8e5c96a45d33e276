"""The local engine: the services of the workers inside this process, with a bounded number of coroutines."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from pipeline.services.working import perform
from pipeline.toolbox import Toolbox
from storage import ringing
from storage.database import trouble
from storage.records import Engine

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5


class LocalEngine:
    """Looks for due work of local runs, at least every half second and at once when nudged."""

    def __init__(self, tools: Toolbox, nudged: asyncio.Event) -> None:
        self._tools = tools
        self._nudged = nudged
        self._in_hand: dict[int, asyncio.Task[bool]] = {}
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Hand back what is in hand and stop."""
        tasks: list[asyncio.Task[Any]] = [task for task in (self._loop, *self._in_hand.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._nudged.clear()
            try:
                await self._take_what_is_due()
            except SQLAlchemyError as error:
                log.warning("The database does not work (%s); trying again.", trouble(error))
            except Exception:
                log.exception("The local engine could not look for work; it looks again.")
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._nudged.wait()
            except TimeoutError:
                continue

    async def _take_what_is_due(self) -> None:
        free = self._tools.settings.llm.max_concurrency - len(self._in_hand)
        if free <= 0:
            return
        async with self._tools.database.read() as session:
            due = await ringing.due(session, Engine.LOCAL, self._tools.now(), limit=free + len(self._in_hand))
        for ring in [ring for ring in due if ring.work_id not in self._in_hand][:free]:
            task = asyncio.create_task(perform(self._tools, ring.kind, ring.work_id))
            self._in_hand[ring.work_id] = task
            task.add_done_callback(lambda _, work_id=ring.work_id: self._forget(work_id))  # type: ignore[misc]

    def _forget(self, work_id: int) -> None:
        del self._in_hand[work_id]
        self._nudged.set()
