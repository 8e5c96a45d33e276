"""A soak as Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import machine_facts, table
from benchmarks.soak.books import Books
from benchmarks.soak.faults import Happened
from benchmarks.soak.observer import MEBIBYTE, PROCESSES, Observer, change
from benchmarks.soak.promises import Promise, cause_of_doubt
from benchmarks.soak.site import WORKERS, Site

NUMBERS = re.compile(r"\d+")
COMPLAINT = re.compile(r"\b(ERROR|CRITICAL)\b.*")
MOST_COMPLAINTS = 12


@dataclass(frozen=True)
class Length:
    """How long a soak was, and which one."""

    minutes: float
    seed: int
    database: str


def write_report(
    length: Length,
    site: Site,
    books: Books,
    observer: Observer,
    journal: Sequence[Happened],
    promises: Sequence[Promise],
) -> str:
    sections = [
        f"# {length.minutes:.0f} minutes with a fault a minute",
        soak_facts(length),
        table(("promise", "kept", "found"), ((p.words, "yes" if p.is_kept else "**no**", p.found) for p in promises)),
        "## What was done",
        table(("what", "how much"), _amounts(site, books, journal)),
        "## Faults",
        table(("fault", "times"), Counter(one.name for one in journal).most_common()),
        "## Processes",
        table(("process", "starts", "longest life", "memory, first → last quarter", "files", "threads"),
               _lives(observer)),
        "## What the logs complain of",
        table(("times", "line"), _complaints(site)),
    ]  # fmt: skip
    return "\n\n".join(sections) + "\n"


def soak_facts(length: Length) -> str:
    return f"{machine_facts()}, {length.database}, seed {length.seed}."


def _amounts(site: Site, books: Books, journal: Sequence[Happened]) -> Iterator[tuple[str, object]]:
    yield "runs", len(books.runs)
    for state in ("done", "cancelled", "failed"):
        reasons = Counter(run[3] for run in books.runs if run[2] == state and run[3])
        yield f"runs {state}", f"{books.count(state)} {dict(reasons) or ''}"
    statuses = sum(books.statuses.values(), Counter[str]())
    yield "posts stored", books.posts_stored
    yield "posts of all runs, by status", dict(statuses)
    yield "digests", books.digests
    yield "deliveries, by state", dict(Counter(one.state for one in books.deliveries))
    doubts = books.deliveries_in("unknown")
    yield "in doubt, arrived", sum(books.arrived[one.parcel] for one in doubts)
    yield "in doubt, by cause", dict(Counter(cause_of_doubt(one, books, journal) for one in doubts))
    yield "calls of the model", dict(Counter(call.status for call in site.model.calls))
    yield "calls of Telegram before a wait was over", len(site.telegram.early_calls)
    yield "size of the database", f"{_database_bytes(site) / MEBIBYTE:.1f} MiB"


def _database_bytes(site: Site) -> float:
    if site.is_sqlite:
        return sum(path.stat().st_size for path in Path(site.installation.folder).glob("digest.db*"))
    return float(site.ledger.rows("SELECT pg_database_size(current_database())")[0][0])


def _lives(observer: Observer) -> Iterator[tuple[object, ...]]:
    for name in PROCESSES:
        samples, life = observer.of(name), observer.longest_life(name)
        if not samples:
            continue
        rss = change([sample.rss / MEBIBYTE for sample in samples])
        files, threads = change([one.files for one in samples]), change([one.threads for one in samples])
        yield (
            name,
            len(observer.lives(name)),
            f"{(life[-1].at - life[0].at) / 60:.0f} min",
            f"{rss.first:.0f} → {rss.last:.0f} MiB",
            f"{files.first:.0f} → {files.last:.0f}",
            f"{threads.first:.0f} → {threads.last:.0f}",
        )


def _complaints(site: Site) -> Iterable[tuple[object, ...]]:
    """The errors in all logs, alike ones together."""
    found: Counter[str] = Counter()
    for name in (*WORKERS, "bot"):
        for line in site.installation.log(name).splitlines():
            if complaint := COMPLAINT.search(line):
                found[f"{name}: {NUMBERS.sub('…', complaint[0])[:150]}"] += 1
    return [(number, line) for line, number in found.most_common(MOST_COMPLAINTS)]
