"""A process that counts: `python -m tests.pipeline.counting_process FOLDER ROLE`. It says its slot, and then how many
ticks it has counted, until it is told to stop on its standard input, or killed."""

from __future__ import annotations

import select
import sys
from pathlib import Path

from pipeline.adapters.metrics.prometheus_meter import PrometheusMeter
from pipeline.adapters.metrics.slots import take_slot
from pipeline.meter import Fate


def main(folder: str, role: str) -> None:
    slot = take_slot(Path(folder), role)
    meter = PrometheusMeter(slot)
    print(slot.name, flush=True)  # noqa: T201 - to the test that has started it
    number = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        meter.ticked()
        number += 1
        meter.sent(f"bot{number % 50}", {Fate.SENT: 1})  # new series all the time, so that the file's end moves
        print(number, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
