"""What benchmarks.workers has measured, as values, as a table and as a plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.report import table

MEBIBYTE = 1024 * 1024
ENOUGH = 0.95  # of the best rate: more processes for the rest are not worth their memory


@dataclass(frozen=True)
class Sample:
    """One run: from the order to the stored digest, what CPU the workers took for it, and what they hold afterwards."""

    seconds: float
    categorizations: int
    summarizations: int
    cpu_s: float
    memory_bytes: int


@dataclass(frozen=True)
class Cell:
    """A setting with its samples; `posts` and `latency_s` are the same for all of a grid."""

    database: str
    workers: int
    concurrency: int
    posts: int
    latency_s: float
    samples: Sequence[Sample]

    @property
    def threads(self) -> int:
        """How many calls all its workers can make at the same time."""
        return self.workers * self.concurrency

    @property
    def seconds(self) -> float:
        return median(sample.seconds for sample in self.samples)

    @property
    def rate(self) -> float:
        """Posts a second."""
        return self.posts / self.seconds

    @property
    def ideal_s(self) -> float:
        """Where everything but waiting for the model took no time: whole waves of calls, the summaries after all
        categorizations."""
        first = self.samples[0]
        calls = (first.categorizations, first.summarizations)
        return sum(math.ceil(number / self.threads) for number in calls) * self.latency_s

    @property
    def share_of_ideal(self) -> float:
        return self.ideal_s / self.seconds

    @property
    def cpu_ms_a_post(self) -> float:
        return 1000 * median(sample.cpu_s for sample in self.samples) / self.posts

    @property
    def memory_mib(self) -> float:
        """Of all its workers together."""
        return median(sample.memory_bytes for sample in self.samples) / MEBIBYTE


def recommended(cells: Sequence[Cell]) -> Cell:
    """Of the settings that come near the best rate, the one with the fewest workers, then with the fewest threads."""
    best = max(cell.rate for cell in cells)
    near = [cell for cell in cells if cell.rate >= ENOUGH * best]
    return min(near, key=lambda cell: (cell.workers, cell.concurrency))


def as_table(cells: Sequence[Cell]) -> str:
    head = ("workers", "concurrency", "posts a second", "a run takes", "of the ideal", "CPU a post", "memory of all")
    chosen = recommended(cells)
    return table(head, [_row(cell, is_chosen=cell == chosen) for cell in cells])


def _row(cell: Cell, *, is_chosen: bool) -> tuple[object, ...]:
    rate = f"{cell.rate:.0f}"
    return (
        cell.workers,
        cell.concurrency,
        f"**{rate}**" if is_chosen else rate,
        f"{cell.seconds:.1f} s",
        f"{cell.share_of_ideal:.0%}",
        f"{cell.cpu_ms_a_post:.1f} ms",
        f"{cell.memory_mib:.0f} MiB",
    )


def advice(cells: Sequence[Cell]) -> str:
    """The recommended setting in a sentence that can be acted on."""
    chosen, best = recommended(cells), max(cells, key=lambda cell: cell.rate)
    workers = "one worker" if chosen.workers == 1 else f"{chosen.workers} workers"
    beside_best = (
        "the best that was found"
        if chosen == best
        else f"{chosen.rate / best.rate:.0%} of the best that was found, {best.workers} × {best.concurrency}"
    )
    return (
        f"With {chosen.database}: **{workers} with `--concurrency {chosen.concurrency}`** and "
        f"`llm.max_concurrency = {chosen.threads}` or more: {chosen.rate:.0f} posts a second, {beside_best}, in "
        f"{chosen.memory_mib:.0f} MiB."
    )


def draw(cells: Sequence[Cell], path: Path) -> None:
    """Posts a second over the concurrency, a line for each number of workers, a panel for each database.

    The same figures give the same file.
    """
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "digest-bot"
    from matplotlib import pyplot as plt

    databases = list(dict.fromkeys(cell.database for cell in cells))
    figure, panels = plt.subplots(
        1, len(databases), figsize=(6 * len(databases), 4.2), sharey=True, squeeze=False, layout="constrained"
    )
    for panel, database in zip(panels[0], databases, strict=True):
        of_database = [cell for cell in cells if cell.database == database]
        for workers in sorted({cell.workers for cell in of_database}):
            line = [cell for cell in of_database if cell.workers == workers]
            label = f"{workers} worker{'s' if workers > 1 else ''}"
            panel.plot(
                [cell.concurrency for cell in line], [cell.rate for cell in line],
                marker="o", color=f"C{workers - 1}", label=label,
            )  # fmt: skip
        alone = [cell for cell in of_database if cell.workers == 1]
        panel.plot(
            [cell.concurrency for cell in alone], [cell.posts / cell.ideal_s for cell in alone],
            linestyle=":", color="grey", label="1 worker, the ideal",
        )  # fmt: skip
        panel.set_xscale("log", base=2)
        ticks = sorted({cell.concurrency for cell in of_database})
        panel.set_xticks(ticks, [str(tick) for tick in ticks])
        panel.set_ylim(bottom=0, top=1.25 * max(cell.rate for cell in cells))
        panel.set_title(database)
        panel.set_xlabel("concurrency of a worker")
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel("posts a second")
    panels[0][0].legend()
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)
