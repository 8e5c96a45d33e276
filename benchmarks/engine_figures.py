"""What benchmarks.engines has measured: ratios, tables, targets and the plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import median

from benchmarks.report import Target, table


class Way(StrEnum):
    """A way to make a digest. The value is what a reader of the page sees."""

    SEQUENTIAL = "(a) one call after another, two for each post"
    BARE = "(b) a bare asyncio script"
    LOCAL = "(c) our local engine"
    CELERY = "(d) our Celery engine, one worker"
    TWO_WORKERS = "(e) our Celery engine, two workers"


OURS = (Way.LOCAL, Way.CELERY, Way.TWO_WORKERS)
MOST_TIMES_BARE = 1.3
LEAST_TIMES_SEQUENTIAL = 70


@dataclass(frozen=True)
class Point:
    """A way with so many posts: the seconds of each time it was measured, and its model calls. `measured_posts` are
    fewer than `posts` where the time was not measured but reckoned."""

    database: str
    way: Way
    posts: int
    seconds: tuple[float, ...]
    calls: int
    measured_posts: int = 0

    @property
    def median_s(self) -> float:
        return median(self.seconds)

    @property
    def is_reckoned(self) -> bool:
        return 0 < self.measured_posts < self.posts


@dataclass(frozen=True)
class Figures:
    """All points of one run of the benchmark; a point without a database is the same for all of them. `server_ms` is
    what a call costs the model server."""

    points: Sequence[Point]
    server_ms: float

    @property
    def databases(self) -> Sequence[str]:
        return list(dict.fromkeys(point.database for point in self.points if point.database))

    def line(self, database: str, way: Way) -> Sequence[Point]:
        """The points of a way, from few posts to many."""
        found = [point for point in self.points if point.way is way and point.database in ("", database)]
        return sorted(found, key=lambda point: point.posts)

    def sizes(self, database: str) -> Sequence[int]:
        return [point.posts for point in self.line(database, Way.CELERY)]

    def at(self, database: str, way: Way, posts: int) -> Point:
        return next(point for point in self.line(database, way) if point.posts == posts)

    def times_bare(self, database: str, way: Way, posts: int) -> float:
        """How many times as long as the bare script."""
        return self.at(database, way, posts).median_s / self.at(database, Way.BARE, posts).median_s

    def times_sequential(self, database: str, way: Way, posts: int) -> float:
        """How many times as fast as one call after another."""
        return self.at(database, Way.SEQUENTIAL, posts).median_s / self.at(database, way, posts).median_s


def as_table(figures: Figures, database: str) -> str:
    sizes = figures.sizes(database)
    head = ("from the order to the digest", *(f"{size:,} posts" for size in sizes))
    rows = [(way.value, *(_cell(figures, database, way, size) for size in sizes)) for way in Way]
    calls = ("model calls of (b)–(e)", *(f"{figures.at(database, Way.BARE, size).calls:,}" for size in sizes))
    return table(head, [*rows, calls])


def targets(figures: Figures) -> list[Target]:
    """The rows of the table of targets, for the sizes that were measured."""
    found = []
    for database in figures.databases:
        sizes = figures.sizes(database)
        if 100 in sizes:
            bare = figures.times_bare(database, Way.CELERY, 100)
            fast = figures.times_sequential(database, Way.CELERY, 100)
            found.append(
                Target(
                    f"100 posts, batch 5, 0.8 s a model call, Celery engine, {database}",
                    f"≤ {MOST_TIMES_BARE} × (b), ≥ {LEAST_TIMES_SEQUENTIAL} × faster than (a)",
                    f"{bare:.2f} × (b), {fast:.0f} × faster",
                    bare <= MOST_TIMES_BARE and fast >= LEAST_TIMES_SEQUENTIAL,
                )
            )
        if 1000 in sizes:
            bare = figures.times_bare(database, Way.CELERY, 1000)
            measure = f"1,000 posts, the same, {database}"
            wanted, measured = f"≤ {MOST_TIMES_BARE} × (b)", f"{bare:.2f} × (b)"
            found.append(Target(measure, wanted, measured, bare <= MOST_TIMES_BARE))
    return found


def draw(figures: Figures, path: Path) -> None:
    """Seconds over posts, a line for each way, a panel for each database. The same figures give the same file."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "digest-bot"
    from matplotlib import pyplot as plt

    databases = figures.databases
    size = (6 * len(databases), 4.8)
    figure, panels = plt.subplots(1, len(databases), figsize=size, sharey=True, squeeze=False, layout="constrained")
    for panel, database in zip(panels[0], databases, strict=True):
        for number, way in enumerate(Way):
            line = figures.line(database, way)
            posts, seconds = [point.posts for point in line], [point.median_s for point in line]
            style = ":" if way is Way.BARE else "-"
            panel.plot(posts, seconds, linestyle=style, marker="o", color=f"C{number}", label=way.value)
            reckoned = [point for point in line if point.is_reckoned]
            panel.plot(
                [point.posts for point in reckoned], [point.median_s for point in reckoned],
                linestyle="", marker="o", color=f"C{number}", markerfacecolor="white",
            )  # fmt: skip
        panel.set_xscale("log")
        panel.set_yscale("log")
        sizes = figures.sizes(database)
        panel.set_xticks(sizes, [f"{one:,}" for one in sizes])
        panel.minorticks_off()
        panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        panel.set_title(database)
        panel.set_xlabel("posts")
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel("seconds from the order to the digest")
    panels[0][0].legend(fontsize="small")
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)


def _cell(figures: Figures, database: str, way: Way, posts: int) -> str:
    point = figures.at(database, way, posts)
    seconds = f"{point.median_s:.0f} s" if point.median_s >= 20 else f"{point.median_s:.2f} s"
    if point.is_reckoned:
        return f"*{seconds}*"
    return f"{seconds}, {figures.times_bare(database, way, posts):.2f} × (b)" if way in OURS else seconds
