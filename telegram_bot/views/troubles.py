"""/errors: what went wrong lately; and news of faults that operators did not ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from aiogram.utils.formatting import Bold, Text

from pipeline.stages.display_text import clip
from pipeline.stages.plain_text import one_line
from storage.records import Doubt, Fault, PostStatus, RunState, RunTrouble, StrangerCount, Troubles
from telegram_bot.views.card_ending import failure_in_words
from telegram_bot.views.view import MAX_PARAMETER, Node, View, in_words, lines, name, paragraphs
from texts import Texts

MAX_TROUBLES = 8
CAN_RESEND = frozenset({RunState.DONE, RunState.DELIVERING})


def render_troubles(troubles: Troubles, *, texts: Texts, now: datetime) -> View:
    """Faults and runs in one list, newest first, each with what to do; then how often strangers came."""
    found = [(one.at, _fault(one, troubles.titles, texts, now)) for one in troubles.faults]
    found += [(one.at, _run(one, texts, now)) for one in troubles.runs]
    strangers = _strangers(troubles.strangers, texts)
    if not found:
        return View.of(paragraphs([texts.get("troubles.none"), strangers]))
    newest = [node for _, node in sorted(found, key=lambda one: one[0], reverse=True)]
    rest = len(newest) - MAX_TROUBLES
    older = texts.plural("troubles.older", rest) if rest > 0 else None
    return View.of(paragraphs([Bold(texts.get("troubles.title")), *newest[:MAX_TROUBLES], older, strangers]))


def _strangers(count: StrangerCount, texts: Texts) -> Node | None:
    if not count.people:
        return None
    people, times = texts.plural("troubles.strangers", count.people), texts.plural("troubles.times", count.times)
    return texts.get("troubles.strangers_came", strangers=people, times=times)


def render_faults(faults: Sequence[Fault], titles: Mapping[int, str], *, texts: Texts, now: datetime) -> View:
    """News for an operator, oldest first; what does not fit is in /errors."""
    rest = len(faults) - MAX_TROUBLES
    more = texts.plural("faults.more", rest) if rest > 0 else None
    news = [_fault(fault, titles, texts, now) for fault in faults[:MAX_TROUBLES]]
    return View.of(paragraphs([Bold(f"⚠️ {texts.get('faults.title')}"), *news, more]))


def _fault(fault: Fault, titles: Mapping[int, str], texts: Texts, now: datetime) -> Node:
    title = titles.get(fault.public_bot_id) if fault.public_bot_id is not None else None
    heading = _heading(title, fault.at, fault.run_id, texts, now)
    return lines([heading, in_words(fault.message_id, fault.params, texts)])


def _run(trouble: RunTrouble, texts: Texts, now: datetime) -> Node:
    run = trouble.progress.run
    return lines(
        [
            _heading(run.bot_title, trouble.at, run.id, texts, now),
            _failure(trouble, texts),
            _set_aside(trouble, texts),
            _uncertain(trouble, texts),
        ]
    )


def _heading(title: str | None, at: datetime, run_id: int | None, texts: Texts, now: datetime) -> Node:
    when = texts.ago(at, now)
    if run_id is not None:
        when += f" ({texts.get('troubles.run', run=run_id)})"
    return Text(Bold(name(title)), f", {when}") if title else when


def _failure(trouble: RunTrouble, texts: Texts) -> Node | None:
    run = trouble.progress.run
    if run.state is not RunState.FAILED:
        return None
    return f"❌ {failure_in_words(run, texts)} {texts.get('troubles.retry', run=run.id)}"


def _set_aside(trouble: RunTrouble, texts: Texts) -> Node | None:
    run, number = trouble.progress.run, trouble.progress.count(PostStatus.SET_ASIDE)
    if not number or run.state is RunState.FAILED:
        return None
    reason = clip(one_line(trouble.reason or ""), MAX_PARAMETER) or texts.get("troubles.unknown_reason")
    return texts.plural("troubles.set_aside", number, reason=reason, slug=run.bot_slug)


def _uncertain(trouble: RunTrouble, texts: Texts) -> Node | None:
    run, delivery = trouble.progress.run, trouble.progress.delivery
    if delivery is None or not delivery.uncertain:
        return None
    first = "; ".join(_doubt(one, texts) for one in trouble.doubts)
    chats = f"{first}; …" if delivery.uncertain > len(trouble.doubts) else first
    if run.state in CAN_RESEND:
        return texts.plural("troubles.uncertain", delivery.uncertain, chats=chats, run=run.id)
    return texts.plural("troubles.uncertain_for_good", delivery.uncertain, chats=chats)


def _doubt(doubt: Doubt, texts: Texts) -> str:
    if doubt.title:
        chat = texts.get("troubles.titled_chat", title=name(doubt.title))
    else:
        chat = texts.get("troubles.chat", id=doubt.chat_id)
    return texts.get("troubles.doubt", chat=chat, part=doubt.part + 1)
