"""What benchmarks.importing has measured: how fast messages come in, and how much memory a process needs for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.report import Target, table

LEAST_A_SECOND = 20_000
FLAT = 1.1  # times the memory at most, for ten times the file
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Sample:
    """One process that has read a file, or imported it."""

    messages: int
    seconds: float
    cpu_s: float
    peak_bytes: int


@dataclass(frozen=True)
class Case:
    """What was done several times with files of that size, each time in a process of its own."""

    what: str
    megabytes: int
    samples: Sequence[Sample]

    @property
    def rate(self) -> float:
        """Messages a second."""
        return median(sample.messages / sample.seconds for sample in self.samples)

    @property
    def peak_mib(self) -> float:
        return max(sample.peak_bytes for sample in self.samples) / MEBIBYTE


@dataclass(frozen=True)
class Growth:
    """Importing into one database: a file, and one that is a tenth of it."""

    database: str
    large: Case
    small: Case

    @property
    def ratio(self) -> float:
        """Of the memory of the two."""
        return self.large.peak_mib / self.small.peak_mib


def as_table(cases: Sequence[Case]) -> str:
    return table(("what", "file", "messages", "messages a second", "CPU a message", "peak memory"), map(_row, cases))


def _row(case: Case) -> tuple[object, ...]:
    messages = case.samples[0].messages
    cpu_us = 1e6 * median(sample.cpu_s for sample in case.samples) / messages
    size = f"{case.megabytes} MB"
    return case.what, size, f"{messages:,}", f"{case.rate:,.0f}", f"{cpu_us:.0f} µs", f"{case.peak_mib:.0f} MiB"


def targets(grown: Sequence[Growth]) -> Iterator[Target]:
    size = grown[0].large.megabytes
    rates = ", ".join(f"{one.large.rate:,.0f} with {one.database}" for one in grown)
    is_fast = all(one.large.rate >= LEAST_A_SECOND for one in grown)
    yield Target(f"importing an export of {size} MB, messages a second", f"≥ {LEAST_A_SECOND:,}", rates, is_fast)
    peaks = ", ".join(
        f"{one.large.peak_mib:.0f} MiB against {one.small.peak_mib:.0f} with {one.database}" for one in grown
    )
    wanted = f"flat: ≤ {FLAT} × that for {grown[0].small.megabytes} MB"
    yield Target(f"memory for importing {size} MB", wanted, peaks, all(one.ratio <= FLAT for one in grown))
