"""The last thing a card says: what came of the run, and why."""

from __future__ import annotations

from pipeline.stages.funnel import Funnel, funnel
from storage.records import ActionKind, DeliveryProgress, QuietDay, Run, RunProgress, RunState
from telegram_bot.views.card_actions import last_of
from telegram_bot.views.card_delivery import outcome
from telegram_bot.views.view import Node, in_words, lines, paragraphs
from texts import Texts

ENDED_BY_A_RESTORE = frozenset({"restored", "lost_time"})


def ending(progress: RunProgress, texts: Texts, digest_items: int | None) -> Node:
    """What came of a run that has ended: its digest, nothing, a failure or a cancellation, and where the posts went."""
    run = progress.run
    reached = outcome(progress.delivery, texts) if progress.delivery else None
    if run.state is RunState.FAILED:
        failed = texts.get("card.failed", duration=_duration(run, texts))
        return paragraphs([lines([f"❌ {failed}", failure_in_words(run, texts)]), reached])
    if run.state is RunState.CANCELLED:
        return paragraphs([_why_cancelled(progress, texts), reached])
    numbers = funnel(progress.posts)
    given = numbers.given if digest_items is None else digest_items
    set_aside = f"⚠️ {texts.plural('card.set_aside', numbers.set_aside)}" if numbers.set_aside else None
    return paragraphs(
        [
            _headline(progress, numbers, given, texts),
            _shortened(run, given, texts),
            reached,
            lines([funnel_in_words(numbers, texts), set_aside]) if numbers.seen else None,
        ]
    )


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


def delivered_in_words(delivery: DeliveryProgress, texts: Texts) -> str:
    """How many readers have the digest, and of how many."""
    if delivery.delivered == delivery.total:
        return texts.plural("delivery.delivered_to_all", delivery.total)
    return texts.plural("delivery.delivered", delivery.total, delivered=texts.number(delivery.delivered))


def _headline(progress: RunProgress, numbers: Funnel, given: int, texts: Texts) -> Node:
    duration = _duration(progress.run, texts)
    if progress.run.quiet_day is QuietDay.SAY:
        return _quiet_day_said(progress, numbers, texts)
    if given == 0:
        nothing = texts.get("card.nothing", duration=duration)
        return lines([f"💤 {nothing}", _why_nothing(progress.run, numbers, texts)])
    if progress.delivery is not None:
        posts = texts.plural("count.posts", given)
        return f"✅ {delivered_in_words(progress.delivery, texts)}: {posts}."
    if last_of(progress, ActionKind.PUBLISH) is not None:
        return f"💤 {texts.get('delivery.nobody')}"
    return f"✅ {texts.plural('card.done', given, duration=duration)}"


def _quiet_day_said(progress: RunProgress, numbers: Funnel, texts: Texts) -> Node:
    """The digest has no posts and says so."""
    said = texts.plural("quiet.said", numbers.relevant, least=texts.number(progress.run.min_posts))
    why = None if numbers.relevant else _why_nothing(progress.run, numbers, texts)
    told = f"{delivered_in_words(progress.delivery, texts)}." if progress.delivery is not None else None
    return lines([f"💤 {said}", why, told])


def _shortened(run: Run, given: int, texts: Texts) -> str | None:
    if run.quiet_day is not QuietDay.SHORTEN:
        return None
    return f"💤 {texts.plural('quiet.shortened', given, least=texts.number(run.min_posts))}"


def _why_cancelled(progress: RunProgress, texts: Texts) -> Node:
    duration = _duration(progress.run, texts)
    if progress.delivery is not None:
        return _delivery_cancelled(progress.delivery, texts)
    if progress.run.notice in ENDED_BY_A_RESTORE:
        return f"⏹ {texts.get('card.ended_by_restore')}"
    if last_of(progress, ActionKind.REGENERATE) is not None:
        return f"🔁 {texts.get('card.regenerated')}"
    if last_of(progress, ActionKind.DISCARD) is not None:
        return f"🗑 {texts.get('card.discarded')}"
    return f"⏹ {texts.get('card.cancelled', duration=duration)}"


def _delivery_cancelled(delivery: DeliveryProgress, texts: Texts) -> Node:
    if delivery.delivered + delivery.uncertain + delivery.waiting == 0:
        return f"⏹ {texts.get('delivery.cancelled_early')}"
    return lines([f"⏹ {texts.get('delivery.cancelled')}", f"{delivered_in_words(delivery, texts)}."])


def _why_nothing(run: Run, numbers: Funnel, texts: Texts) -> str:
    if numbers.seen == 0:
        return texts.get("nothing.no_posts", slug=run.bot_slug)
    if numbers.fresh == 0:
        return texts.get("nothing.all_held_back" if run.notice == "held_back" else "nothing.all_given_before")
    if numbers.distinct == 0:
        return texts.get("nothing.all_duplicates")
    if numbers.chosen:
        return texts.get("nothing.none_summarized")
    if numbers.relevant:
        return texts.plural("nothing.too_few", numbers.relevant, least=texts.number(run.min_posts))
    if numbers.set_aside:
        return texts.get("nothing.set_aside_or_irrelevant")
    return texts.get("nothing.none_relevant")


def _duration(run: Run, texts: Texts) -> str:
    began, ended = run.started_at or run.created_at, run.finished_at
    return texts.duration((ended - began).total_seconds() if ended else 0)
