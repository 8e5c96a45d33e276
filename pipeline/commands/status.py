"""`status`: what is going on, for a terminal or for scripts."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

from pipeline.commands.tasks import tasks_as_json, tasks_in_words
from pipeline.services.overview import alive, load_overview
from pipeline.stages.pace import stage_counts
from pipeline.toolbox import Toolbox
from pipeline.wiring import open_process
from settings import Settings
from storage.records import DeliveryProgress, Failure, RunProgress, RunState, StatusOverview
from texts import Texts


async def run(settings: Settings, options: argparse.Namespace) -> int:
    async with open_process(settings) as process:
        text = await (_tasks if options.tasks else _overview)(process.tools, is_json=options.json)
    sys.stdout.write(text + "\n")
    return 0


async def _tasks(tools: Toolbox, *, is_json: bool) -> str:
    return await (tasks_as_json(tools) if is_json else tasks_in_words(tools))


async def _overview(tools: Toolbox, *, is_json: bool) -> str:
    overview = await load_overview(tools)
    return _as_json(overview) if is_json else "\n".join(_lines(overview))


def _lines(overview: StatusOverview) -> Iterator[str]:
    for worker in overview.workers:
        if alive(worker, overview.now):
            yield f"worker {worker.name}: ready, {worker.concurrency} at a time, {', '.join(worker.queues)}"
    if not overview.workers_alive:
        yield "No worker answers: start one with ./run_worker.sh."
    if overview.queues is None:
        yield "Redis cannot be reached: start it with scripts/start_redis.sh."
    else:
        yield "queues: " + (", ".join(f"{name} {depth}" for name, depth in overview.queues.items()) or "none")
    yield f"{overview.posts_stored} posts of {overview.sources} sources"
    for progress in (*overview.active, *overview.recent):
        yield _run_line(progress)


def _run_line(progress: RunProgress) -> str:
    run = progress.run
    counts = stage_counts(progress)
    line = f"run {run.id} of {run.bot_slug}: {run.state}"
    if run.state is RunState.AWAITING_APPROVAL:
        line += f", would go to {progress.readers} readers"
    elif progress.delivery is not None:
        line += _delivery_in_words(progress.delivery) + (", paused" if run.is_paused else "")
    elif counts is not None:
        line += f", {counts[0]} of {counts[1]} posts"
    if progress.model_failure is not None:
        line += f": {Texts('en').get(progress.model_failure.message_id, **progress.model_failure.params)}"
    if run.failure is not None:
        line += f": {Texts('en').get(run.failure.message_id, **run.failure.params)}"
    return line


def _delivery_in_words(delivery: DeliveryProgress) -> str:
    return (
        f", {delivery.ended} of {delivery.total} readers "
        f"(delivered {delivery.delivered}, failed {delivery.failed}, uncertain {delivery.uncertain})"
    )


def _as_json(overview: StatusOverview) -> str:
    return json.dumps(
        {
            "workers": [
                {
                    "name": worker.name,
                    "alive": alive(worker, overview.now),
                    "concurrency": worker.concurrency,
                    "queues": list(worker.queues),
                    "seen_at": worker.seen_at.isoformat(),
                }
                for worker in overview.workers
            ],
            "queues": overview.queues,
            "engine": overview.engine,
            "posts": overview.posts_stored,
            "sources": overview.sources,
            "active": [_run_object(progress) for progress in overview.active],
            "recent": [_run_object(progress) for progress in overview.recent],
        },
        ensure_ascii=False,
        indent=2,
    )


def _run_object(progress: RunProgress) -> dict[str, object]:
    run = progress.run
    return {
        "id": run.id,
        "bot": run.bot_slug,
        "state": run.state,
        "engine": run.engine,
        "provider": run.provider,
        "model": run.model,
        "period": [run.period.start.isoformat(), run.period.end.isoformat()],
        "created_at": run.created_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "posts": dict(progress.posts),
        "model_calls": progress.model_calls,
        "input_tokens": progress.input_tokens,
        "output_tokens": progress.output_tokens,
        "cost": progress.cost,
        "readers": progress.readers,
        "delivery": _delivery_object(progress.delivery) if progress.delivery else None,
        "is_paused": run.is_paused,
        "publish_at": run.publish_at.isoformat() if run.publish_at else None,
        "fallback_model": progress.fallback_model,
        "waits_because": _failure_object(progress.model_failure) or progress.waits_because,
        "failure": _failure_object(run.failure),
    }


def _failure_object(failure: Failure | None) -> dict[str, object] | None:
    return {"id": failure.message_id, "params": dict(failure.params)} if failure else None


def _delivery_object(delivery: DeliveryProgress) -> dict[str, object]:
    """Readers by what became of the digest on its way to them."""
    return {
        "waiting": delivery.waiting,
        "delivered": delivery.delivered,
        "failed": delivery.failed,
        "uncertain": delivery.uncertain,
        "reasons": dict(delivery.reasons or {}),
    }
