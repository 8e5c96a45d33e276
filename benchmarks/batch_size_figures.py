"""What benchmarks.batch_sizes has measured, as values and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from benchmarks.report import Target, table

MOST_SHARE = 0.03
BARE = "a bare script"


@dataclass(frozen=True)
class Overhead:
    """What passes between two model calls of a worker that does one task at a time, in seconds, by kind of call; the
    worker's database, or `BARE` where a bare script makes the same calls."""

    database: str
    size: int
    latency_s: float
    pauses: Mapping[str, Sequence[float]]

    @property
    def pause_s(self) -> float:
        return median(pause for pauses in self.pauses.values() for pause in pauses)

    @property
    def share(self) -> float:
        """Of the time of a model call."""
        return self.pause_s / self.latency_s


def pauses(calls: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """From each answer to the next question of the same kind, by kind."""
    found: dict[str, list[float]] = {}
    for before, after in pairwise(calls):
        if before["kind"] == after["kind"]:
            found.setdefault(before["kind"], []).append(after["started_at"] - before["ended_at"])
    return found


def as_table(overheads: Sequence[Overhead]) -> str:
    head = ("", "posts a call", "between two categorizations", "between two summarizations", "of a call")
    return table(head, [_row(overhead) for overhead in overheads])


def targets(overheads: Sequence[Overhead]) -> list[Target]:
    """A row for each database."""
    found = []
    for database in dict.fromkeys(overhead.database for overhead in overheads if overhead.database != BARE):
        line = [overhead for overhead in overheads if overhead.database == database]
        sizes = ", ".join(str(one.size) for one in line)
        measure = f"overhead of a task against its model call, {database}, batches of {sizes}"
        measured = " / ".join(f"{100 * one.share:.1f}" for one in line) + " %"
        wanted = f"≤ {MOST_SHARE:.0%} at {line[0].latency_s:g} s"
        found.append(Target(measure, wanted, measured, all(one.share <= MOST_SHARE for one in line)))
    return found


def _row(overhead: Overhead) -> tuple[object, ...]:
    by_kind = [_words(overhead.pauses.get(kind, ())) for kind in ("categorization", "summarization")]
    return (overhead.database, overhead.size, *by_kind, f"{overhead.share:.1%}")


def _words(pauses: Sequence[float]) -> str:
    if not pauses:
        return "–"
    slowest = sorted(pauses)[round(0.95 * (len(pauses) - 1))]
    return f"{1000 * median(pauses):.0f} ms (95 % ≤ {1000 * slowest:.0f})"
