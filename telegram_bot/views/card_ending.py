"""The last thing a card says: what came of the run, and why."""

from __future__ import annotations

from pipeline.stages.funnel import Funnel, funnel
from storage.records import Run, RunProgress, RunState
from telegram_bot.views.view import Node, in_words, lines, paragraphs
from texts import Texts


def ending(progress: RunProgress, texts: Texts, digest_items: int | None) -> Node:
    """What came of a run that has ended: its digest, nothing, a failure or a cancellation, and where the posts went."""
    run = progress.run
    numbers = funnel(progress.posts)
    duration = _duration(run, texts)
    if run.state is RunState.FAILED:
        return lines([f"❌ {texts.get('card.failed', duration=duration)}", failure_in_words(run, texts)])
    if run.state is RunState.CANCELLED:
        return f"⏹ {texts.get('card.cancelled', duration=duration)}"
    given = numbers.given if digest_items is None else digest_items
    if given == 0:
        headline: Node = lines(
            [f"💤 {texts.get('card.nothing', duration=duration)}", _why_nothing(run, numbers, texts)]
        )
    else:
        headline = f"✅ {texts.plural('card.done', given, duration=duration)}"
    set_aside = f"⚠️ {texts.plural('card.set_aside', numbers.set_aside)}" if numbers.set_aside else None
    return paragraphs([headline, lines([funnel_in_words(numbers, texts), set_aside]) if numbers.seen else None])


def failure_in_words(run: Run, texts: Texts) -> str:
    """Why the run failed and what to do about it."""
    if run.failure is None:
        return texts.get("run.failed_unexplained")
    return in_words(run.failure.message_id, run.failure.params, texts)


def funnel_in_words(numbers: Funnel, texts: Texts) -> str:
    return texts.get(
        "card.funnel",
        seen=texts.number(numbers.seen),
        fresh=texts.number(numbers.fresh),
        distinct=texts.number(numbers.distinct),
        relevant=texts.number(numbers.relevant),
        chosen=texts.number(numbers.chosen),
    )


def _why_nothing(run: Run, numbers: Funnel, texts: Texts) -> str:
    if numbers.seen == 0:
        return texts.get("nothing.no_posts", slug=run.bot_slug)
    if numbers.fresh == 0:
        return texts.get("nothing.all_given_before")
    if numbers.distinct == 0:
        return texts.get("nothing.all_duplicates")
    if numbers.chosen:
        return texts.get("nothing.none_summarized")
    if numbers.relevant:
        return texts.plural("nothing.too_few", numbers.relevant)
    if numbers.set_aside:
        return texts.get("nothing.set_aside_or_irrelevant")
    return texts.get("nothing.none_relevant")


def _duration(run: Run, texts: Texts) -> str:
    began, ended = run.started_at or run.created_at, run.finished_at
    return texts.duration((ended - began).total_seconds() if ended else 0)
