"""What benchmarks.stored has measured: each look on a young desk and on an old one, and the ratio of the two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.report import Target, table

MOST = 1.5  # times as long
DECIDES = {  # how the table of targets calls a look
    "plan a run": "planning a run",
    "/status": "/status",
    "where the posts of a run went": "what /why reads",
}


@dataclass(frozen=True)
class Pair:
    """The seconds of one look, taken in turns on the young and on the old desk."""

    look: str
    young: Sequence[float]
    old: Sequence[float]

    @property
    def ratio(self) -> float:
        return median(self.old) / median(self.young)


def pairs(young: Sequence[Mapping[str, float]], old: Sequence[Mapping[str, float]]) -> list[Pair]:
    return [Pair(look, [one[look] for one in young], [one[look] for one in old]) for look in young[0]]


def as_table(found: Sequence[Pair], young_posts: int, old_posts: int) -> str:
    head = ("look", f"{young_posts:,} posts", f"{old_posts:,} posts", "ratio")
    rows = [
        (pair.look, f"{1000 * median(pair.young):.1f} ms", f"{1000 * median(pair.old):.1f} ms", f"{pair.ratio:.2f}")
        for pair in found
    ]
    return table(head, rows)


def targets(by_database: Mapping[str, Sequence[Pair]], old_posts: int, young_posts: int) -> Iterator[Target]:
    """A row for each of the looks that were promised."""
    for look, name in DECIDES.items():
        ratios = {
            database: pair.ratio for database, found in by_database.items() for pair in found if pair.look == look
        }
        measured = ", ".join(f"{ratio:.2f} × on {database}" for database, ratio in ratios.items())
        measure = f"{name} with {old_posts:,} stored posts against {young_posts:,}"
        yield Target(measure, f"≤ {MOST} ×", measured, all(ratio <= MOST for ratio in ratios.values()))
