"""What is to be done for a card next: the order in which a chat gets the card, the digest and the question under it."""

from __future__ import annotations

from enum import Enum, auto

from storage.records import Card, RunProgress, RunState


class Step(Enum):
    SHOW = auto()
    SEND = auto()
    MOVE_BELOW_DRAFT = auto()
    CLOSE = auto()


def next_step(
    card: Card, progress: RunProgress, *, is_behind: bool, has_said_state: bool, has_more: bool
) -> Step | None:
    """The digest goes before edits once the card has said what state the run is in, and a draft before its question.

    `is_behind`: the card does not show the run as it is; `has_said_state`: but its state it does; `has_more`: there are
    messages of the digest that the chat was not sent.
    """
    is_draft_due = progress.run.state is RunState.AWAITING_APPROVAL and not card.is_below_draft
    is_left_alone = card.is_final or card.is_gone
    is_behind = is_behind and not is_left_alone and not (is_draft_due and card.message_id is None)
    if has_more and (has_said_state or not is_behind):
        return Step.SEND
    if is_behind:
        return Step.SHOW
    if is_draft_due:
        return Step.MOVE_BELOW_DRAFT
    return Step.CLOSE if is_left_alone and is_over(progress) else None


def is_over(progress: RunProgress) -> bool:
    """Whether the run has ended and it is known what came of everything that was on its way."""
    return progress.run.state.has_ended and (progress.delivery is None or progress.delivery.waiting == 0)
