"""The points at which tests end a process: silent unless armed, and once each."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from pipeline import fault_points
from pipeline.fault_points import VARIABLE, arm, reach


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the process would have been sent."""
    sent: list[int] = []
    monkeypatch.setattr(fault_points, "_armed", None)
    monkeypatch.setattr("os.kill", lambda pid, number: sent.append(number))
    return sent


def order(folder: Path, *faults: dict[str, Any]) -> None:
    arm({VARIABLE: json.dumps({"markers": str(folder), "faults": faults})})


def test_nothing_happens_in_a_process_that_is_not_armed(signals: list[int]) -> None:
    arm({})
    reach("claim.after")
    assert signals == []


def test_it_strikes_on_the_pass_that_was_ordered_and_never_again(signals: list[int], tmp_path: Path) -> None:
    order(tmp_path, {"point": "claim.after", "on_pass": 3})
    for _ in range(2):
        reach("claim.after")
        reach("claim.before")
    assert signals == []
    reach("claim.after")
    assert signals == [signal.SIGKILL]
    order(tmp_path, {"point": "claim.after", "on_pass": 3})  # the process was started again
    for _ in range(5):
        reach("claim.after")
    assert signals == [signal.SIGKILL]


def test_a_text_strikes_whenever_it_passes(signals: list[int], tmp_path: Path) -> None:
    order(tmp_path, {"point": "call.before", "text": "poison", "signal": "SIGSTOP"})
    for _ in range(2):
        reach("call.before", ["harmless"])
        reach("call.before", ["harmless", "the poison in it"])
    assert signals == [signal.SIGSTOP] * 2


def test_a_point_that_there_is_not_is_refused(signals: list[int], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no point claim\.during"):
        order(tmp_path, {"point": "claim.during"})
