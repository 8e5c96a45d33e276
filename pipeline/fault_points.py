"""Named points in the work at which a test ends or stops the process, as a power cut or the kernel would.

Nothing happens at them unless the process was armed when it started, from the environment:

    DIGEST_FAULT_POINTS='{"markers": "FOLDER", "faults": [{"point": "claim.after", "on_pass": 3}]}'

Each fault strikes once in the folder of markers, however often the process is started again; one that waits for a post
with a certain text strikes whenever it passes.
"""

from __future__ import annotations

import json
import logging
import os
import signal
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

VARIABLE = "DIGEST_FAULT_POINTS"
POINTS = frozenset(
    {
        "claim.before",
        "claim.after",
        "call.before",  # of a model, with the texts of the batch
        "reply.before_save",
        "save.after",
        "advance.before_commit",
        "advance.after_commit",
        "ring.before",
        "delivery.marked",  # as being sent, and nothing sent yet
        "delivery.answered",  # Telegram has it, the database does not know
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at a point, on which pass of this process, and, where `text` is given, only with such a post."""

    point: str
    on_pass: int = 1
    text: str = ""
    signal: str = "SIGKILL"


class Armed:
    """The faults of this process, and how often it has passed each point."""

    def __init__(self, markers: Path, faults: Iterable[Fault]) -> None:
        self._markers = markers
        self._faults = tuple(faults)
        self._passes: Counter[Fault] = Counter()

    def pass_by(self, point: str, texts: Iterable[str]) -> None:
        seen = tuple(texts)
        for fault in self._faults:
            if fault.point != point or (fault.text and not any(fault.text in text for text in seen)):
                continue
            self._passes[fault] += 1
            if self._passes[fault] >= fault.on_pass and (fault.text or self._is_first(fault)):
                log.warning("The fault at %s strikes.", point)
                os.kill(os.getpid(), signal.Signals[fault.signal])

    def _is_first(self, fault: Fault) -> bool:
        marker = self._markers / f"{fault.point}-{fault.on_pass}-{fault.signal}"
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        return True


_armed: Armed | None = None


def reach(point: str, texts: Iterable[str] = ()) -> None:
    """The work has come to this point, with these posts in hand."""
    if _armed is not None:
        _armed.pass_by(point, texts)


def arm(environment: Mapping[str, str]) -> None:
    """Arm this process, if its environment says so: called once, by who starts a worker or the bot.

    Raises:
        ValueError: the variable cannot be read or names a point that there is not.
    """
    global _armed
    if VARIABLE not in environment:
        return
    wanted = json.loads(environment[VARIABLE])
    faults = [Fault(**one) for one in wanted["faults"]]
    if unknown := {fault.point for fault in faults} - POINTS:
        raise ValueError(f"{VARIABLE}: there is no point {', '.join(sorted(unknown))}")
    _armed = Armed(Path(wanted["markers"]), faults)
    log.warning("Faults are ordered for this process at %s.", ", ".join(fault.point for fault in faults))
