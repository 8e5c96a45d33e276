"""Waiting for a run from a process that only watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from pipeline.errors import ForPeople
from pipeline.toolbox import Toolbox
from storage import digests, runs
from storage.progress import of_runs
from storage.records import Digest, RunProgress, RunState

LOOK_EVERY_S = 0.2


async def follow(tools: Toolbox, run_id: int) -> AsyncIterator[RunProgress]:
    """The run's progress whenever it has changed, the last time when it has ended or waits for an operator's word."""
    shown = 0
    while True:
        progress = await load_progress(tools, run_id)
        if progress.run.version != shown:
            shown = progress.run.version
            yield progress
        if progress.run.state.has_ended or progress.run.state is RunState.AWAITING_APPROVAL:
            return
        await asyncio.sleep(LOOK_EVERY_S)


async def find_progress(tools: Toolbox, run_id: int) -> RunProgress:
    """The run's progress.

    Raises:
        ForPeople: there is no such run.
    """
    async with tools.database.read() as session:
        if await runs.find(session, run_id) is None:
            raise ForPeople("run.unknown", run=run_id)
    return await load_progress(tools, run_id)


async def load_progress(tools: Toolbox, run_id: int) -> RunProgress:
    async with tools.database.read() as session:
        (progress,) = await of_runs(session, [await runs.get(session, run_id)])
    return progress


async def load_digest(tools: Toolbox, run_id: int) -> Digest | None:
    async with tools.database.read() as session:
        return await digests.of_run(session, run_id)
