"""/status: what is going on, in words."""

from __future__ import annotations

from aiogram.utils.formatting import Bold

from pipeline.stages.funnel import funnel
from storage.records import Engine, RunProgress, RunState, StatusOverview, Worker
from telegram_bot.views.card_ending import failure_in_words
from telegram_bot.views.card_stage import stage_in_words
from telegram_bot.views.view import Node, View, lines, name, paragraphs
from texts import Texts

MAX_ACTIVE, MAX_DIGESTS, MAX_FAILURES, MAX_HOSTS = 10, 5, 3, 5
BATCH_QUEUES = ("categorize", "summarize")


def render_status(overview: StatusOverview, *, texts: Texts) -> View:
    """Workers, what waits, runs with their progress, the last digests and the last failures."""
    ended = {state: [run for run in overview.recent if run.run.state is state] for state in RunState}
    digests = [_digest(run, overview, texts) for run in ended[RunState.DONE][:MAX_DIGESTS]]
    failures = [_failure(run, overview, texts) for run in ended[RunState.FAILED][:MAX_FAILURES]]
    active = [_active(run, overview, texts) for run in overview.active[:MAX_ACTIVE]]
    return View.of(
        paragraphs(
            [
                lines([*_machinery(overview, texts), _stored(overview, texts)]),
                _titled(texts.get("status.active"), active) or texts.get("status.nothing_active"),
                _titled(texts.get("status.digests"), digests),
                _titled(texts.get("status.failures"), failures),
            ]
        )
    )


def _titled(title: str, rows: list[str]) -> Node | None:
    return lines([Bold(title), *rows]) if rows else None


def _machinery(overview: StatusOverview, texts: Texts) -> list[Node]:
    if overview.engine is Engine.LOCAL:
        return [texts.get("status.local_engine")]
    return [_workers(overview, texts), _queues(overview, texts)]


def _workers(overview: StatusOverview, texts: Texts) -> str:
    alive = overview.workers[: overview.workers_alive]
    if alive:
        return texts.plural("status.workers", len(alive), details=_described(alive, texts))
    if overview.workers:
        last = overview.workers[0]
        return texts.get("status.no_worker_since", host=name(last.host), ago=texts.ago(last.seen_at, overview.now))
    return texts.get("status.no_worker")


def _described(workers: tuple[Worker, ...], texts: Texts) -> str:
    shown = [texts.get("status.worker", host=name(w.host), concurrency=w.concurrency) for w in workers[:MAX_HOSTS]]
    return "; ".join(shown) + ("; …" if len(workers) > MAX_HOSTS else "")


def _queues(overview: StatusOverview, texts: Texts) -> str:
    if overview.queues is None:
        return texts.get("status.no_broker")
    batches = sum(overview.queues.get(queue, 0) for queue in BATCH_QUEUES)
    others = sum(overview.queues.values()) - batches
    waiting = [texts.plural("status.batches_wait", batches)] if batches else []
    waiting += [texts.plural("status.others_wait", others)] if others else []
    return " ".join(waiting) or texts.get("status.nothing_waits")


def _stored(overview: StatusOverview, texts: Texts) -> str:
    return texts.get(
        "status.stored",
        posts=texts.plural("count.posts", overview.posts_stored),
        sources=texts.plural("count.sources", overview.sources),
    )


def _active(progress: RunProgress, overview: StatusOverview, texts: Texts) -> str:
    run = progress.run
    passed_s = (overview.now - (run.started_at or run.created_at)).total_seconds()
    return texts.get(
        "status.active_run",
        title=name(run.bot_title),
        run=run.id,
        stage=_with_cost(stage_in_words(progress, texts), progress, texts),
        duration=texts.duration(passed_s),
    )


def _digest(progress: RunProgress, overview: StatusOverview, texts: Texts) -> str:
    run, given = progress.run, funnel(progress.posts).given
    result = texts.plural("count.posts", given) if given else texts.get("status.empty_digest")
    return texts.get(
        "status.digest",
        title=name(run.bot_title),
        run=run.id,
        result=_with_cost(result, progress, texts),
        ago=_ended(progress, overview, texts),
    )


def _with_cost(result: str, progress: RunProgress, texts: Texts) -> str:
    if not progress.cost:
        return result
    cost = texts.get("card.cost", amount=texts.money(progress.cost))
    return texts.get("status.with_cost", result=result, cost=cost)


def _failure(progress: RunProgress, overview: StatusOverview, texts: Texts) -> str:
    run = progress.run
    return texts.get(
        "status.failure",
        title=name(run.bot_title),
        run=run.id,
        ago=_ended(progress, overview, texts),
        reason=failure_in_words(run, texts),
    )


def _ended(progress: RunProgress, overview: StatusOverview, texts: Texts) -> str:
    return texts.ago(progress.run.finished_at or progress.run.created_at, overview.now)
