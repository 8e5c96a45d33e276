"""`status --tasks`: what each worker is at, for a terminal or for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pipeline.adapters.task_look import WAIT_S, look_at_tasks
from pipeline.services.inspecting import load_tasks
from pipeline.toolbox import Toolbox
from storage.records import RunOfTask, TaskSeen, TasksOverview


async def tasks_in_words(tools: Toolbox) -> str:
    return "\n".join(lines(await load_tasks(tools, look_at_tasks)))


async def tasks_as_json(tools: Toolbox) -> str:
    overview = await load_tasks(tools, look_at_tasks)
    found = {
        "workers": [
            {
                "name": worker.worker,
                "active": [_object(task, overview) for task in worker.active],
                "reserved": [_object(task, overview) for task in worker.reserved],
            }
            for worker in overview.workers
        ],
        "silent": list(overview.silent),
    }
    return json.dumps(found, ensure_ascii=False, indent=2)


def lines(overview: TasksOverview) -> Iterator[str]:
    """A line for each worker, and below it one for each of its tasks."""
    if not overview.needs_workers:
        yield "The work is done inside the bot, without workers (engine.mode = local)."
        return
    if not overview.workers and not overview.silent:
        yield "No worker answers: start one with ./run_worker.sh."
    for worker in overview.workers:
        yield f"worker {worker.worker}: {len(worker.active)} active, {len(worker.reserved)} reserved"
        for task in (*worker.active, *worker.reserved):
            yield f"  {_line(task, overview)}"
    for name in overview.silent:
        yield f"worker {name}: no answer within {WAIT_S:.0f} s; it may stand still, or be busy with stopping"


def _line(task: TaskSeen, overview: TasksOverview) -> str:
    what = f"{task.name}({task.number if task.number is not None else ''})"
    run = _run(task, overview)
    of = f" for run {run.run_id} of {run.slug}" if run else ""
    if task.started_at is None:
        return f"{what}{of}, reserved, task {task.id}"
    return f"{what}{of}, for {max(0.0, (overview.now - task.started_at).total_seconds()):.1f} s, task {task.id}"


def _object(task: TaskSeen, overview: TasksOverview) -> dict[str, object]:
    run = _run(task, overview)
    return {
        "id": task.id,
        "name": task.name,
        "number": task.number,
        "run": run.run_id if run else None,
        "bot": run.slug if run else None,
        "started_at": task.started_at.isoformat() if task.started_at else None,
    }


def _run(task: TaskSeen, overview: TasksOverview) -> RunOfTask | None:
    return overview.runs.get((task.name, task.number)) if task.number is not None else None
