"""What `/status` tells: read from rows and queue lengths, never by asking the workers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.errors import BrokerUnavailable
from pipeline.queues import QUEUES
from pipeline.toolbox import Toolbox
from storage import claimable, runs, sources, work, workers
from storage.progress import of_runs
from storage.records import Engine, Run, RunProgress, RunState, SourceOverview, StatusOverview, Worker

SILENT_AFTER = timedelta(seconds=4)
RECENT_RUNS = 5


def alive(worker: Worker, now: datetime) -> bool:
    """Whether a worker's last sign of life is fresh; it gives one every second.

    One that is still to come was given before the clock was set back.
    """
    return -claimable.CLOCKS_DIFFER <= now - worker.seen_at <= SILENT_AFTER


async def load_overview(tools: Toolbox) -> StatusOverview:
    try:
        queues = await tools.doorbell.depths()
    except BrokerUnavailable:
        queues = None
    now = tools.now()
    async with tools.database.read() as session:
        source_count, post_count = await sources.count(session)
        active = await runs.going_on(session)
        progress = await of_runs(session, [*active, *await _recent(session)])
        seen = sorted(await workers.everyone(session), key=lambda worker: worker.seen_at, reverse=True)
        return StatusOverview(
            workers=tuple(seen),
            workers_alive=sum(alive(worker, now) for worker in seen),
            queues=queues,
            engine=Engine(tools.settings.engine.mode),
            active=tuple(progress[: len(active)]),
            recent=tuple(progress[len(active) :]),
            posts_stored=post_count,
            sources=source_count,
            now=now,
        )


async def _recent(session: AsyncSession) -> Sequence[Run]:
    """The last runs that ended, and among them the last digests and failures, however many others there were."""
    found = [
        run
        for state in (RunState.DONE, RunState.FAILED, RunState.CANCELLED)
        for run in await runs.recent(session, {state}, RECENT_RUNS)
    ]
    newest = sorted(found, key=lambda run: run.id, reverse=True)
    cancelled_lately = newest[:RECENT_RUNS]
    return [run for run in newest if run.state is not RunState.CANCELLED or run in cancelled_lately]


async def load_active(tools: Toolbox) -> Sequence[RunProgress]:
    """The runs that go on, oldest first."""
    async with tools.database.read() as session:
        return await of_runs(session, await runs.going_on(session))


async def load_sources(tools: Toolbox) -> Sequence[SourceOverview]:
    async with tools.database.read() as session:
        return await sources.overview(session)


async def served_queues(tools: Toolbox) -> set[str]:
    """The queues that a living worker listens to."""
    now = tools.now()
    async with tools.database.read() as session:
        return {queue for worker in await workers.everyone(session) if alive(worker, now) for queue in worker.queues}


async def someone_works_on(tools: Toolbox, run_id: int) -> bool:
    """Whether for every kind of work that waits in this run there is a worker."""
    async with tools.database.read() as session:
        kinds = await work.waiting_kinds(session, run_id)
    return {QUEUES[kind] for kind in kinds} <= await served_queues(tools)
