"""What benchmarks.faulty has measured, as values and as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.report import Target, table

LEAST_AN_HOUR = 5_000  # ten times what is wanted: "many times over"
MOST_SET_ASIDE = 0.01
ENDS = ("summarized", "passed_over", "irrelevant", "duplicate", "given_before", "set_aside")


@dataclass(frozen=True)
class Trial:
    """One run whose model fails now and then. `outcomes` counts its calls by what came of them."""

    database: str
    posts: int
    seconds: float
    is_done: bool
    statuses: Mapping[str, int]
    outcomes: Mapping[str, int]

    @property
    def an_hour(self) -> float:
        """Posts."""
        return 3600 * self.posts / self.seconds

    @property
    def lost(self) -> int:
        """Posts that have come to no end."""
        return self.posts - sum(self.statuses.get(status, 0) for status in ENDS)

    @property
    def set_aside(self) -> int:
        return self.statuses.get("set_aside", 0)

    @property
    def calls(self) -> int:
        return sum(self.outcomes.values())

    @property
    def failed_calls(self) -> int:
        return self.calls - self.outcomes.get("ok", 0)


def as_table(trials: Sequence[Trial]) -> str:
    head = ("database", "time", "posts an hour", "model calls", "of these failed", "posts set aside", "posts lost")
    return table(head, [_row(trial) for trial in trials])


def failures_table(trials: Sequence[Trial]) -> str:
    """What came of the calls that failed, of all runs together."""
    sums: Counter[str] = Counter()
    for trial in trials:
        sums.update({outcome: number for outcome, number in trial.outcomes.items() if outcome != "ok"})
    return table(("what was written down of a failed call", "times"), sums.most_common())


def targets(trials: Sequence[Trial]) -> list[Target]:
    """A row for each database, with the worst of its runs where something must not happen."""
    found = []
    for database in dict.fromkeys(trial.database for trial in trials):
        of_database = [trial for trial in trials if trial.database == database]
        an_hour = median(trial.an_hour for trial in of_database)
        lost = sum(trial.lost for trial in of_database)
        lost_runs = sum(not trial.is_done for trial in of_database)
        set_aside = max(trial.set_aside / trial.posts for trial in of_database)
        found.append(
            Target(
                f"{of_database[0].posts:,} posts with 1 % of calls failing, {database}",
                "≥ 500 posts an hour many times over; 0 runs or posts lost, < 1 % set aside",
                f"{an_hour:,.0f} an hour; {lost_runs} runs and {lost} posts lost, {set_aside:.2%} set aside",
                an_hour >= LEAST_AN_HOUR and lost == lost_runs == 0 and set_aside < MOST_SET_ASIDE,
            )
        )
    return found


def _row(trial: Trial) -> tuple[object, ...]:
    return (
        trial.database,
        f"{trial.seconds:.0f} s",
        f"{trial.an_hour:,.0f}",
        f"{trial.calls:,}",
        f"{trial.failed_calls} ({trial.failed_calls / trial.calls:.1%})",
        trial.set_aside,
        trial.lost,
    )
