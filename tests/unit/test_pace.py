"""How fast a digest goes out and how long it will still take, as a person would say it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from pipeline.stages.pace import delivery_began, delivery_left_s, delivery_rate, stage_counts
from storage.records import Action, ActionKind, DeliveryProgress, RunProgress, RunState
from tests.unit.view_examples import RUN, act, at, progress

PER_SECOND = 25.0


def delivering(waiting: int, delivered: int, *actions: Action, **changes: object) -> RunProgress:
    """Since START."""
    given = progress(RunState.DELIVERING, run=replace(RUN, **changes))  # type: ignore[arg-type]
    return replace(given, delivery=DeliveryProgress(waiting=waiting, delivered=delivered), actions=actions)


def test_readers_are_counted_once_the_delivery_has_begun() -> None:
    assert stage_counts(delivering(380, 120)) == (120, 500)
    assert stage_counts(progress(RunState.DELIVERING)) is None


def test_the_rate_is_what_was_done_in_the_time_it_took() -> None:
    assert delivery_rate(delivering(380, 120), at(10)) == 12.0
    assert delivery_rate(delivering(380, 120), at(4.9)) is None
    assert delivery_rate(delivering(500, 0), at(60)) is None


def test_the_time_left_is_given_before_anybody_has_it_and_then_from_the_pace_so_far() -> None:
    nobody_yet = replace(progress(RunState.DELIVERING), readers=1000)
    assert delivery_left_s(nobody_yet, at(0), PER_SECOND) == 40
    assert delivery_left_s(delivering(1000, 0), at(2), PER_SECOND) == 40
    assert delivery_left_s(delivering(900, 100), at(10), PER_SECOND) == 90
    assert delivery_left_s(delivering(0, 100), at(10), PER_SECOND) is None


def test_time_in_which_it_was_paused_counts_for_neither() -> None:
    paused = act(ActionKind.PAUSE_DELIVERY, 10)
    resumed = act(ActionKind.RESUME_DELIVERY, 3610)
    assert delivery_rate(delivering(380, 120, paused, resumed), at(3620)) == 6.0
    assert delivery_rate(delivering(380, 120, paused), at(3610)) == 12.0
    assert delivery_left_s(delivering(120, 120, paused, resumed), at(3620), PER_SECOND) == 20


def test_a_pause_of_an_earlier_delivery_counts_for_nothing() -> None:
    earlier = (act(ActionKind.PAUSE_DELIVERY, -60), act(ActionKind.RESUME_DELIVERY, -30))
    assert delivery_rate(delivering(380, 120, *earlier), at(10)) == 12.0


def test_when_the_uncertain_ones_are_sent_it_again_only_they_count() -> None:
    again = act(ActionKind.RESEND, 0, readers=20)
    given = delivering(10, 990, again)
    assert delivery_rate(given, at(10)) == 1.0
    assert delivery_left_s(given, at(10), PER_SECOND) == 10


@pytest.mark.parametrize(
    ("publish_at", "actions", "began"),
    [
        (None, (), 0),
        (at(600), (), 600),
        (at(-600), (), 0),
        (at(600), (act(ActionKind.PUBLISH, 0),), 0),
    ],
)
def test_a_scheduled_digest_begins_at_its_time_unless_an_operator_lets_it_go(
    publish_at: datetime | None, actions: tuple[Action, ...], began: float
) -> None:
    assert delivery_began(delivering(10, 0, *actions, publish_at=publish_at)) == at(began)
