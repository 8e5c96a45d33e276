"""What operators did with a public bot, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from storage.records import Action, ActionKind
from telegram_bot.views.view import name
from texts import Texts

WHAT: Mapping[ActionKind, str] = MappingProxyType(
    {
        ActionKind.START: "action.start",
        ActionKind.CANCEL: "action.cancel",
        ActionKind.RETRY: "action.retry",
        ActionKind.PUBLISH: "action.publish",
        ActionKind.DISCARD: "action.discard",
        ActionKind.REGENERATE: "action.regenerate",
        ActionKind.PAUSE_DELIVERY: "action.pause_delivery",
        ActionKind.RESUME_DELIVERY: "action.resume_delivery",
        ActionKind.RESEND: "action.resend",
        ActionKind.PAUSE_BOT: "action.pause_bot",
        ActionKind.RESUME_BOT: "action.resume_bot",
        ActionKind.APPLY_BOT: "action.apply_bot",
        ActionKind.INVITE: "action.invite",
        ActionKind.EXPORT: "action.export",
        ActionKind.ACCEPT_CHAT: "action.accept_chat",
        ActionKind.DECLINE_CHAT: "action.decline_chat",
        ActionKind.ADD_SOURCE: "action.add_source",
        ActionKind.SET_BATCH_SIZE: "action.set_batch_size",
    }
)


def change_in_words(action: Action, timezone: str, texts: Texts, now: datetime) -> str:
    """When it was, as seen in `timezone`, what was done, and who did it."""
    who = name(action.actor.name) if action.actor.id is not None else texts.get("card.command_line")
    details = {key: name(value) if isinstance(value, str) else value for key, value in action.details.items()}
    what = texts.say(WHAT[action.kind], {**details, "run": action.run_id or 0})
    return texts.get("console.change", time=texts.moment(action.at, now, timezone), what=what, name=who)
