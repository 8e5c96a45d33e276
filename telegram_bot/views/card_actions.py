"""Who did what with a run, and when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from storage.records import Action, ActionKind, RunProgress
from telegram_bot.views.view import Node, lines, name
from texts import Texts

SENTENCES: Mapping[ActionKind, str] = MappingProxyType(
    {
        ActionKind.PUBLISH: "card.published_by",
        ActionKind.DISCARD: "card.discarded_by",
        ActionKind.REGENERATE: "card.regenerated_by",
        ActionKind.PAUSE_DELIVERY: "card.paused_by",
        ActionKind.RESUME_DELIVERY: "card.resumed_by",
        ActionKind.CANCEL: "card.cancelled_by",
        ActionKind.RESEND: "card.resent_by",
    }
)
MAX_ACTIONS = 8


def who_did_what(progress: RunProgress, texts: Texts, now: datetime) -> Node | None:
    """A line for each of the last things that operators did with the run; its start is not among them."""
    told = [action for action in progress.actions if action.kind in SENTENCES][-MAX_ACTIONS:]
    if not told:
        return None
    return lines([action_in_words(action, progress.run.timezone, texts, now) for action in told])


def action_in_words(action: Action, timezone: str, texts: Texts, now: datetime) -> str:
    """Who did it and when, as seen in `timezone`."""
    who = name(action.actor.name) if action.actor.id is not None else texts.get("card.command_line")
    return texts.get(SENTENCES[action.kind], name=who, time=texts.moment(action.at, now, timezone))


def last_of(progress: RunProgress, *kinds: ActionKind) -> Action | None:
    """The newest of these actions."""
    return next((action for action in reversed(progress.actions) if action.kind in kinds), None)
