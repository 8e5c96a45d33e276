"""What a soak draws and how it judges; the soak itself takes an hour."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.soak.books import Books, Delivery
from benchmarks.soak.faults import ENDS_A_LIFE, FAULTS, Happened, drawn
from benchmarks.soak.promises import cause_of_doubt
from tests.servers.telegram_records import Call

PARCEL = (1, 501, 0)


def test_a_seed_draws_the_same_faults_again() -> None:
    assert list(drawn(7, 60)) == list(drawn(7, 60))
    assert list(drawn(7, 60)) != list(drawn(8, 60))


@pytest.mark.parametrize("seed", range(20))
def test_an_hour_has_every_fault_and_spares_one_worker_and_the_bot_in_its_second_half(seed: int) -> None:
    minutes = list(drawn(seed, 60))
    assert len(minutes) == 60
    assert {name for names in minutes for name in names} == FAULTS.keys()
    assert any(len(names) == 2 for names in minutes)
    assert not ENDS_A_LIFE & {name for names in minutes[30:] for name in names}


@pytest.mark.parametrize(
    ("outcome", "fault", "cause"),
    [
        ("dropped", "a run cancelled", "dropped"),
        ("ok", "kill -9 of worker one", "its process died or could not save"),
        ("ok", "a run cancelled", "none"),
        ("ok", "", "none"),
    ],
    ids=[
        "no answer came",
        "the process died with the answer",
        "the fault does no harm to sending",
        "there was no fault",
    ],
)
def test_a_doubt_needs_a_cause(outcome: str, fault: str, cause: str) -> None:
    call = Call(0.0, 700, "sendMessage", {}, outcome=outcome)
    books = Books([], {}, 0, 0, 0, [], Counter(), Counter(), {PARCEL: [call]}, [], 0, 0, {})
    journal = [Happened(fault, begin=1000.0, end=1001.0)] if fault else []
    assert cause_of_doubt(Delivery(PARCEL, "unknown", started_at=1005.0), books, journal) == cause
