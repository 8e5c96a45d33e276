"""What Telegram shows for a moment when a button was pressed: plain text of at most 200 characters."""

from __future__ import annotations

from texts import Texts


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


def outdated_button(texts: Texts) -> str:
    """The button is of an older version, or what it was for is gone."""
    return texts.get("answer.outdated_button")


def not_for_strangers(user_id: int, *, texts: Texts) -> str:
    """Somebody who is no operator pressed a button."""
    return texts.get("stranger", id=user_id)
