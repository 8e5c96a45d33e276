"""The card: one message that follows a run from the command to its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from aiogram.types import InlineKeyboardMarkup
from aiogram.utils.formatting import Bold, Italic

from pipeline.stages.pace import eta, stage_counts
from storage.records import Engine, RunProgress, RunState
from telegram_bot.callbacks import CancelRun
from telegram_bot.views.card_actions import who_did_what
from telegram_bot.views.card_approval import Draft, awaiting, decisions
from telegram_bot.views.card_delivery import delivering, resending, steering
from telegram_bot.views.card_ending import ending
from telegram_bot.views.card_stage import STAGES, bar, counted
from telegram_bot.views.view import Node, View, buttons, in_words, lines, name, paragraphs
from texts import Texts

NOTICES: Mapping[str, str] = MappingProxyType(
    {
        "broker_lost": "notice.broker_lost",
        "superseded": "notice.superseded",
        "restored": "notice.restored",
        "lost_time": "notice.lost_time",
        "held_back": "notice.held_back",
    }
)
ASKS_A_MODEL = frozenset({RunState.CATEGORIZING, RunState.SUMMARIZING})
NEEDS_NO_WORKER = frozenset({RunState.AWAITING_APPROVAL, RunState.DONE, RunState.FAILED, RunState.CANCELLED})


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
    draft: Draft = Draft.ELSEWHERE,
    messages_per_second: float = 25.0,
) -> View:
    """The run as it is at `now` (aware).

    `digest_items` is the number of items in the finished digest (default: as many as were summarized); `auto_chosen`
    says that nobody named the provider in the settings; `messages_per_second` is what a public bot may send.
    """
    run = progress.run
    waits = not worker_available and run.engine is Engine.CELERY and run.state not in NEEDS_NO_WORKER
    body: Node
    if run.state.has_ended:
        body, keyboard = ending(progress, texts, digest_items), resending(progress, texts)
    elif run.state is RunState.AWAITING_APPROVAL:
        body = awaiting(progress, texts, draft)
        keyboard = None if draft is Draft.FOLLOWS else decisions(progress, texts)
    elif run.state is RunState.DELIVERING:
        body, keyboard = delivering(progress, texts, now, messages_per_second), steering(progress, texts)
    else:
        body, keyboard = _being_made(progress, texts, now), _cancel_button(run.id, texts)
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
                who_did_what(progress, texts, now),
                None if broker_available or run.state.has_ended else texts.get("card.no_broker"),
                texts.get("card.no_worker") if waits else None,
                _waits(progress, texts),
                lines(_small_print(progress, texts, prices_known, auto_chosen)),
            ]
        ),
        buttons=keyboard,
    )


def _being_made(progress: RunProgress, texts: Texts, now: datetime) -> Node:
    run = progress.run
    counts = stage_counts(progress)
    elapsed_s = (now - (run.started_at or run.created_at)).total_seconds()
    elapsed = texts.get("card.elapsed", duration=texts.duration(elapsed_s))
    if counts is None:
        return lines([texts.get(STAGES[run.state]), elapsed])
    done, total = counts
    left_s = eta(done, total, (now - run.stage_started_at).total_seconds())
    left = texts.get("card.left", duration=texts.duration(left_s)) if left_s is not None else None
    return lines(
        [
            texts.get(STAGES[run.state]),
            f"{bar(done, total)} {counted(done, total, texts)}",
            f"{elapsed} · {left}" if left else elapsed,
        ]
    )


def _waits(progress: RunProgress, texts: Texts) -> str | None:
    run = progress.run
    if progress.model_failure is not None:
        failure = progress.model_failure
        return texts.get("card.model_blocked", reason=in_words(failure.message_id, failure.params, texts))
    if progress.waits_because is None or run.state.has_ended or run.state is RunState.DELIVERING:
        return None
    sentence = "card.model_waits" if run.state in ASKS_A_MODEL else "card.work_waits"
    return texts.get(sentence, reason=name(progress.waits_because))


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
        _fallback(progress, texts),
        Italic(texts.say(NOTICES.get(run.notice, run.notice), {"run": run.id})) if run.notice else None,
    ]


def _fallback(progress: RunProgress, texts: Texts) -> str | None:
    if progress.fallback_model is None:
        return None
    return texts.get("card.fallback", model=name(progress.fallback_model), main=name(progress.run.model))


def _cancel_button(run_id: int, texts: Texts) -> InlineKeyboardMarkup:
    return buttons([[(texts.get("button.cancel"), CancelRun(run_id=run_id))]])
