"""In which order a chat gets the card, the digest and the question under it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from storage.records import Card, DeliveryProgress, RunState
from telegram_bot.steps import Step, next_step
from tests.unit.view_examples import progress

CARD = Card(
    id=1,
    run_id=7,
    chat_id=5,
    message_id=90,
    language="en",
    shown_version=1,
    parts_sent=0,
    part_in_doubt=None,
    is_final=False,
    is_gone=False,
)
NEW = replace(CARD, message_id=None)
BELOW = replace(CARD, is_below_draft=True)
FINAL = replace(CARD, is_final=True)
GONE = replace(CARD, is_gone=True)

MAKING, ASKING, SENDING, DONE = (
    RunState.SUMMARIZING,
    RunState.AWAITING_APPROVAL,
    RunState.DELIVERING,
    RunState.DONE,
)


@pytest.mark.parametrize(
    ("state", "card", "facts", "step"),
    [
        (MAKING, CARD, "behind", Step.SHOW),
        (MAKING, CARD, "", None),
        (MAKING, GONE, "behind", None),
        # a draft: the card says that it comes, it comes, and then the question under it
        (ASKING, CARD, "behind more", Step.SHOW),
        (ASKING, CARD, "said more", Step.SEND),
        (ASKING, CARD, "said", Step.MOVE_BELOW_DRAFT),
        (ASKING, replace(BELOW, message_id=None), "behind", Step.SHOW),
        (ASKING, BELOW, "said", None),
        # a chat that had no card yet gets the draft at once
        (ASKING, NEW, "behind more", Step.SEND),
        (ASKING, NEW, "behind", Step.MOVE_BELOW_DRAFT),
        # a deleted card comes back to ask
        (ASKING, GONE, "behind more", Step.SEND),
        (ASKING, GONE, "behind", Step.MOVE_BELOW_DRAFT),
        # a delivery: its digest before the edits that come all the time
        (SENDING, CARD, "behind more", Step.SHOW),
        (SENDING, CARD, "behind said more", Step.SEND),
        (SENDING, CARD, "behind said", Step.SHOW),
        (SENDING, BELOW, "behind said", Step.SHOW),
        # the end: the last edit, the digest, and no more
        (DONE, CARD, "behind more", Step.SHOW),
        (DONE, FINAL, "more", Step.SEND),
        (DONE, FINAL, "behind more", Step.SEND),
        (DONE, FINAL, "", Step.CLOSE),
        (DONE, GONE, "behind", Step.CLOSE),
        (DONE, CARD, "said", None),
    ],
)
def test_the_order_of_steps(state: RunState, card: Card, facts: str, step: Step | None) -> None:
    assert (
        next_step(
            card,
            progress(state),
            is_behind="behind" in facts,
            has_said_state="said" in facts,
            has_more="more" in facts,
        )
        is step
    )


def test_a_card_follows_its_run_until_it_is_known_what_came_of_everything() -> None:
    cancelled = progress(RunState.CANCELLED)
    facts = {"is_behind": False, "has_said_state": True, "has_more": False}
    on_its_way = replace(cancelled, delivery=DeliveryProgress(waiting=1, delivered=3))
    assert next_step(GONE, on_its_way, **facts) is None
    settled = replace(cancelled, delivery=DeliveryProgress(delivered=4))
    assert next_step(GONE, settled, **facts) is Step.CLOSE
