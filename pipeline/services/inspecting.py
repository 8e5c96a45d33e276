"""What `/status --tasks` tells: every worker is asked what it has in hand, and rows tell for which run that is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from pipeline.services.overview import alive
from pipeline.toolbox import Toolbox
from storage import task_runs, workers
from storage.records import TasksOverview, WorkerTasks

Look = Callable[[str, Collection[str]], Awaitable[tuple[WorkerTasks, ...]]]


async def load_tasks(tools: Toolbox, look: Look) -> TasksOverview:
    """`look` asks workers by their names at a broker.

    Raises:
        BrokerUnavailable: they cannot be asked.
    """
    needs_workers = tools.settings.engine.mode != "local"
    async with tools.database.read() as session:
        names = {worker.name for worker in await workers.everyone(session) if alive(worker, tools.now())}
    seen = await look(tools.settings.redis.url, names) if needs_workers else ()
    told = {
        (task.name, task.number)
        for worker in seen
        for task in (*worker.active, *worker.reserved)
        if task.number is not None
    }
    async with tools.database.read() as session:
        runs = await task_runs.runs_of_tasks(session, told)
    silent = sorted(names - {worker.worker for worker in seen}) if needs_workers else []
    return TasksOverview(seen, tuple(silent), runs, needs_workers, tools.now())
