"""What benchmarks.cpu has measured, as values and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.report import Target, table

MOST_MS = 3.0
FLAT = 1.2  # a post of the largest run may cost so many times what one of the smallest does, for what chance does


@dataclass(frozen=True)
class Load:
    """Runs over so many posts with room for some of them in the digest: what CPU the worker used for each, and what a
    bare script used for the same calls."""

    database: str
    posts: int
    room: int
    calls: int
    cpu_s: tuple[float, ...]
    bare_cpu_s: tuple[float, ...]

    @property
    def ms_a_post(self) -> float:
        return 1000 * median(self.cpu_s) / self.posts

    @property
    def bare_ms_a_post(self) -> float:
        return 1000 * median(self.bare_cpu_s) / self.posts

    @property
    def ours_ms_a_post(self) -> float:
        """Above what the calls alone take."""
        return self.ms_a_post - self.bare_ms_a_post

    @property
    def ms_a_call(self) -> float:
        return 1000 * median(self.cpu_s) / self.calls


def as_table(loads: Sequence[Load]) -> str:
    head = (
        "database", "posts", "summarized", "model calls", "CPU a post", "of it the bare script's", "ours above it",
        "CPU a call",
    )  # fmt: skip
    return table(head, [_row(load) for load in loads])


def targets(loads: Sequence[Load], room: int) -> list[Target]:
    """A row for each database, of the runs with this room in the digest."""
    found = []
    for database in dict.fromkeys(load.database for load in loads):
        line = sorted((one for one in loads if (one.database, one.room) == (database, room)), key=lambda one: one.posts)
        sizes = " / ".join(f"{load.posts:,}" for load in line)
        measured = " / ".join(f"{load.ms_a_post:.1f}" for load in line)
        bare = " / ".join(f"{load.bare_ms_a_post:.1f}" for load in line)
        found.append(
            Target(
                f"CPU of the worker a post, a model that answers at once, {database}, {sizes} posts",
                f"≤ {MOST_MS:g} ms, flat",
                f"{measured} ms, of which the SDK's calls alone take {bare}",
                all(load.ms_a_post <= MOST_MS for load in line) and is_flat(line),
            )
        )
    return found


def is_flat(line: Sequence[Load]) -> bool:
    """Whether a post costs no more in a large run than in a small one."""
    return line[-1].ms_a_post <= FLAT * line[0].ms_a_post


def _row(load: Load) -> tuple[object, ...]:
    return (
        load.database,
        f"{load.posts:,}",
        min(load.posts, load.room),
        f"{load.calls:,}",
        f"{load.ms_a_post:.2f} ms",
        f"{load.bare_ms_a_post:.2f} ms",
        f"{load.ours_ms_a_post:.2f} ms",
        f"{load.ms_a_call:.1f} ms",
    )
