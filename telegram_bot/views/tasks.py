"""/status --tasks: what each worker is at."""

from __future__ import annotations

from datetime import timedelta

from aiogram.utils.formatting import Bold

from storage.records import TaskSeen, TasksOverview, WorkerTasks
from telegram_bot.views.view import Node, View, lines, name, paragraphs
from texts import Texts

MAX_WORKERS, MAX_TASKS = 8, 8


def render_asking(texts: Texts) -> View:
    return View.of(texts.get("tasks.asking"))


def render_tasks(overview: TasksOverview, *, texts: Texts) -> View:
    """Per worker its tasks, each with its id and for how long; then who did not answer in time."""
    if not overview.needs_workers:
        return View.of(texts.get("status.local_engine"))
    if not overview.workers and not overview.silent:
        return View.of(texts.get("status.no_worker"))
    workers = [_worker(one, overview, texts) for one in overview.workers[:MAX_WORKERS]]
    rest = len(overview.workers) - len(workers)
    more = texts.plural("tasks.more_workers", rest) if rest > 0 else None
    return View.of(paragraphs([*workers, more, _silent(overview, texts)]))


def _worker(worker: WorkerTasks, overview: TasksOverview, texts: Texts) -> Node:
    tasks = [*worker.active, *worker.reserved]
    rows = [_task(task, overview, texts) for task in tasks[:MAX_TASKS]]
    rest = len(tasks) - len(rows)
    counted = texts.get("tasks.counted", active=len(worker.active), reserved=len(worker.reserved))
    return lines([Bold(name(worker.worker)), counted, *rows, texts.plural("tasks.more", rest) if rest > 0 else None])


def _task(task: TaskSeen, overview: TasksOverview, texts: Texts) -> str:
    run = overview.runs.get((task.name, task.number)) if task.number is not None else None
    what = f"{name(task.name)}({task.number if task.number is not None else ''})"
    whose = texts.get("tasks.of_run", run=run.run_id, slug=run.slug) if run else texts.get("tasks.of_no_run")
    if task.started_at is None:
        since = texts.get("tasks.waits")
    else:
        since = texts.duration(max(overview.now - task.started_at, timedelta()).total_seconds())
    return texts.get("tasks.task", what=what, whose=whose, since=since, id=name(task.id))


def _silent(overview: TasksOverview, texts: Texts) -> str | None:
    if not overview.silent:
        return None
    names = ", ".join(name(one) for one in overview.silent[:MAX_WORKERS])
    return "⚠️ " + texts.plural("tasks.silent", len(overview.silent), names=names)
