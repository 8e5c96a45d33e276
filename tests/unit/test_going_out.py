"""When a finished digest goes out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.stages.delivery import goes_out_at
from storage.records import RunState

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)


@pytest.mark.parametrize("state", [state for state in RunState if state is not RunState.AWAITING_APPROVAL])
def test_a_scheduled_digest_waits_for_its_time_whatever_its_last_stage_was(state: RunState) -> None:
    assert goes_out_at(state, LATER, NOW) == LATER
    assert goes_out_at(state, NOW - timedelta(minutes=1), NOW) == NOW
    assert goes_out_at(state, None, NOW) == NOW


def test_an_operators_word_is_for_now() -> None:
    assert goes_out_at(RunState.AWAITING_APPROVAL, LATER, NOW) == NOW
