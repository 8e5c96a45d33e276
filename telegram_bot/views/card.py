"""The card: one message that follows a run from the command to its end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from aiogram.types import InlineKeyboardMarkup
from aiogram.utils.formatting import Bold, Italic

from pipeline.stages.pace import eta, stage_counts
from storage.records import Engine, RunProgress, RunState
from telegram_bot.callbacks import CancelRun
from telegram_bot.views.card_ending import ending
from telegram_bot.views.view import Node, View, buttons, lines, name, paragraphs
from texts import Texts

STAGES: Mapping[RunState, str] = MappingProxyType(
    {
        RunState.QUEUED: "card.stage.queued",
        RunState.COLLECTING: "card.stage.collecting",
        RunState.CATEGORIZING: "card.stage.categorizing",
        RunState.SELECTING: "card.stage.selecting",
        RunState.SUMMARIZING: "card.stage.summarizing",
        RunState.ASSEMBLING: "card.stage.assembling",
        RunState.AWAITING_APPROVAL: "card.stage.awaiting_approval",
        RunState.DELIVERING: "card.stage.delivering",
        RunState.DONE: "card.stage.done",
        RunState.FAILED: "card.stage.failed",
        RunState.CANCELLED: "card.stage.cancelled",
    }
)
NOTICES: Mapping[str, str] = MappingProxyType({"broker_lost": "notice.broker_lost"})
NEEDS_NO_WORKER = frozenset({RunState.AWAITING_APPROVAL, RunState.DONE, RunState.FAILED, RunState.CANCELLED})
BAR_LENGTH = 10
CANNOT_BE_CANCELLED = frozenset({RunState.DELIVERING, RunState.DONE, RunState.FAILED, RunState.CANCELLED})


def render_card(
    progress: RunProgress,
    *,
    texts: Texts,
    now: datetime,
    worker_available: bool,
    prices_known: bool,
    digest_items: int | None = None,
    auto_chosen: bool = False,
    broker_available: bool = True,
) -> View:
    """The run as it is at `now` (aware).

    `digest_items` is the number of items in the finished digest (default: as many as were summarized); `auto_chosen`
    says that nobody named the provider in the settings.
    """
    run = progress.run
    waits = not worker_available and run.engine is Engine.CELERY and run.state not in NEEDS_NO_WORKER
    body = ending(progress, texts, digest_items) if run.state.has_ended else _going_on(progress, texts, now)
    return View.of(
        paragraphs(
            [
                lines(
                    [
                        Bold(name(run.bot_title) or run.bot_slug),
                        texts.period(run.period.start, run.period.end, run.timezone),
                    ]
                ),
                body,
                None if broker_available or run.state.has_ended else texts.get("card.no_broker"),
                texts.get("card.no_worker") if waits else None,
                _model_waits(progress, texts),
                lines(_small_print(progress, texts, prices_known, auto_chosen)),
            ]
        ),
        buttons=_cancel_button(run.id, texts) if run.state not in CANNOT_BE_CANCELLED else None,
    )


def stage_in_words(progress: RunProgress, texts: Texts) -> str:
    """The run's stage, with how far it has got where that can be counted."""
    stage = texts.get(STAGES[progress.run.state])
    counts = stage_counts(progress)
    return f"{stage} ({_counted(*counts, texts)})" if counts else stage


def bar(done: int, total: int) -> str:
    """Ten cells; full only when all is done, and not empty once something is."""
    cells = math.floor(BAR_LENGTH * done / total) if total else BAR_LENGTH
    cells = max(cells, 1) if done else cells
    return "▰" * cells + "▱" * (BAR_LENGTH - cells)


def _counted(done: int, total: int, texts: Texts) -> str:
    return texts.get("card.counted", done=texts.number(done), total=texts.number(total))


def _going_on(progress: RunProgress, texts: Texts, now: datetime) -> Node:
    run = progress.run
    counts = stage_counts(progress)
    elapsed_s = (now - (run.started_at or run.created_at)).total_seconds()
    elapsed = texts.get("card.elapsed", duration=texts.duration(elapsed_s))
    if counts is None:
        return lines([texts.get(STAGES[run.state]), elapsed])
    done, total = counts
    left_s = eta(done, total, _seconds_in_stage(progress, now))
    left = texts.get("card.left", duration=texts.duration(left_s)) if left_s is not None else None
    return lines(
        [
            texts.get(STAGES[run.state]),
            f"{bar(done, total)} {_counted(done, total, texts)}",
            f"{elapsed} · {left}" if left else elapsed,
        ]
    )


def _seconds_in_stage(progress: RunProgress, now: datetime) -> float:
    began = progress.run.stage_started_at
    return (now - began).total_seconds() if began else 0.0


def _model_waits(progress: RunProgress, texts: Texts) -> str | None:
    if progress.waits_because is None or progress.run.state.has_ended:
        return None
    return texts.get("card.model_waits", reason=name(progress.waits_because))


def _small_print(progress: RunProgress, texts: Texts, prices_known: bool, auto_chosen: bool) -> list[Node | None]:
    run = progress.run
    is_offline = run.provider == "offline"
    spent = [texts.plural("count.model_calls", progress.model_calls)]
    if not is_offline:
        spent.insert(0, texts.plural("count.tokens", progress.input_tokens + progress.output_tokens))
        spent += [texts.get("card.cost", amount=texts.money(progress.cost))] if prices_known else []
    if not is_offline:
        provider = texts.get("card.model", model=name(run.model))
    else:
        provider = texts.get("card.offline_auto") if auto_chosen else texts.get("card.offline")
    return [
        " · ".join(spent) if progress.model_calls else None,
        provider,
        Italic(texts.say(NOTICES.get(run.notice, run.notice), {})) if run.notice else None,
    ]


def _cancel_button(run_id: int, texts: Texts) -> InlineKeyboardMarkup:
    return buttons([[(texts.get("button.cancel"), CancelRun(run_id=run_id))]])
