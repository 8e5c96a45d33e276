"""What Telegram shows for a moment when a button was pressed: plain text of at most 200 characters."""

from __future__ import annotations

from datetime import datetime

from storage.records import ActionKind, RunProgress
from telegram_bot.views.card_actions import action_in_words, last_of
from texts import Texts

ON_THE_WAY = frozenset({ActionKind.PAUSE_DELIVERY, ActionKind.RESUME_DELIVERY})


def cancelling(texts: Texts) -> str:
    return texts.get("answer.cancelling")


def already_ended(texts: Texts) -> str:
    """The run was over before Cancel was pressed."""
    return texts.get("answer.already_ended")


def already_going_on(texts: Texts) -> str:
    """A second /digest for a bot whose run goes on is shown that run."""
    return texts.get("answer.already_going_on")


def sending_again(texts: Texts) -> str:
    return texts.get("answer.sending_again")


def still_sending(texts: Texts) -> str:
    """The digest can be sent again once it was sent to its end."""
    return texts.get("answer.still_sending")


def published(texts: Texts) -> str:
    return texts.get("answer.published")


def discarded(texts: Texts) -> str:
    return texts.get("answer.discarded")


def making_again(texts: Texts) -> str:
    """The draft is replaced by a new run."""
    return texts.get("answer.making_again")


def preview_sent(texts: Texts) -> str:
    return texts.get("answer.preview_sent")


def preview_failed(texts: Texts) -> str:
    """Telegram is in trouble just now."""
    return texts.get("answer.preview_failed")


def paused(texts: Texts) -> str:
    return texts.get("answer.paused")


def resumed(texts: Texts) -> str:
    return texts.get("answer.resumed")


def resending(readers: int, texts: Texts) -> str:
    return texts.plural("answer.resending", readers)


def decided_before(progress: RunProgress, *kinds: ActionKind, texts: Texts, now: datetime) -> str:
    """Somebody's button was pressed earlier: whose, by the last of these actions; without any, the run has ended."""
    action = last_of(progress, *kinds)
    if action is None or (action.kind in ON_THE_WAY and progress.run.state.has_ended):
        return already_ended(texts)
    decision = action_in_words(action, progress.run.timezone, texts, now)
    return texts.get("answer.decided_before", decision=decision)


def bot_paused(is_first: bool, texts: Texts) -> str:
    """What a public bot's pause means; or that somebody has paused it before."""
    return texts.get("console.paused_answer") if is_first else texts.get("console.paused_already")


def bot_resumed(is_first: bool, texts: Texts) -> str:
    return texts.get("console.resumed_answer") if is_first else texts.get("console.resumed_already")


def invited(texts: Texts) -> str:
    """A new invitation link was made."""
    return texts.get("answer.invited")


def export_sent(texts: Texts) -> str:
    return texts.get("answer.export_sent")


def export_impossible(texts: Texts) -> str:
    """Whoever pressed has no private chat with the bot."""
    return texts.get("answer.export_impossible")


def outdated_button(texts: Texts) -> str:
    """The button is of an older version, or what it was for is gone."""
    return texts.get("answer.outdated_button")


def too_fast(texts: Texts) -> str:
    """An operator sent or pressed more in a few seconds than is listened to."""
    return texts.get("answer.too_fast")


def not_for_strangers(user_id: int, *, texts: Texts) -> str:
    """Somebody who is no operator pressed a button."""
    return texts.get("stranger", id=user_id)
