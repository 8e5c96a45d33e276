"""A profile as py-spy writes it (`--format raw --nolineno`), by whose code the time is spent in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmarks.report import table

OURS = ("pipeline", "storage", "settings", "texts", "telegram_bot")
OWNERS: Mapping[str, tuple[str, ...]] = {
    "SQLAlchemy": ("sqlalchemy",),
    "the SQLite driver and SQLite": ("aiosqlite", "sqlite3"),
    "the PostgreSQL driver": ("psycopg", "psycopg_binary", "psycopg_pool"),
    "the OpenAI SDK and its HTTP client": (
        "openai", "httpx2", "httpcore2", "h11", "anyio", "sniffio", "pydantic", "pydantic_core", "jiter", "distro",
    ),
    "Celery and kombu": ("celery", "kombu", "amqp", "vine", "billiard"),
    "the Redis client": ("redis",),
    "logging": ("logging",),
    "asyncio": ("asyncio", "selectors.py", "concurrent"),
}  # fmt: skip
OTHERS = "the rest of Python"
PLACE_OF_PACKAGE = {package: owner for owner, packages in OWNERS.items() for package in packages}

_FRAME = re.compile(r"(?P<function>.+) \((?P<file>[^()]*)\)")


@dataclass(frozen=True, slots=True)
class Frame:
    """`file` is relative to where it was imported from."""

    function: str
    file: str

    @property
    def package(self) -> str:
        return self.file.split("/", maxsplit=1)[0]

    @property
    def owner(self) -> str | None:
        """Whose code it is; None: of the standard library, which works for whoever called it."""
        if self.package in OURS:
            return f"ours: {'/'.join(self.file.split('/')[:2]) if '/' in self.file else self.file}"
        return PLACE_OF_PACKAGE.get(self.package)


@dataclass(frozen=True)
class Profile:
    """Stacks of whoever held the interpreter's lock, outermost frame first, with how often each was seen at so many
    looks a second; and what CPU the process used in that time, with and without the lock."""

    stacks: Mapping[tuple[Frame, ...], int]
    cpu_s: float
    rate: int

    @property
    def samples(self) -> int:
        return sum(self.stacks.values())

    @property
    def locked_s(self) -> float:
        """How long the lock was held; a process that is looked at stands still meanwhile."""
        return self.samples / self.rate

    def by_owner(self) -> Counter[str]:
        """Samples by whose code ran: the innermost frame that somebody owns."""
        counts: Counter[str] = Counter()
        for stack, seen in self.stacks.items():
            counts[next((frame.owner for frame in reversed(stack) if frame.owner), OTHERS)] += seen
        return counts

    def by_function(self) -> Counter[str]:
        """Samples by the innermost function of ours, which did it or called who did."""
        counts: Counter[str] = Counter()
        for stack, seen in self.stacks.items():
            ours = next((frame for frame in reversed(stack) if frame.package in OURS), None)
            if ours is not None:
                counts[f"{ours.function} ({ours.file})"] += seen
        return counts


def read_profile(lines: Iterable[str], cpu_s: float, rate: int) -> Profile:
    """Frames that are not of a file, such as a thread's name, are left out."""
    stacks: Counter[tuple[Frame, ...]] = Counter()
    for line in lines:
        written, _, seen = line.strip().rpartition(" ")
        found = [_FRAME.fullmatch(part) for part in written.split(";")]
        stacks[tuple(Frame(match["function"], match["file"]) for match in found if match)] += int(seen)
    return Profile(stacks, cpu_s, rate)


def as_table(what: str, counts: Counter[str], samples: int, most: int) -> str:
    """The first of them with their shares of all samples."""
    return table((what, "share of the time"), [(name, f"{n / samples:.1%}") for name, n in counts.most_common(most)])


def in_short(profile: Profile) -> str:
    """The three sums that matter: ours, the database's, the model calls', in a sentence."""
    counts = profile.by_owner()
    ours = sum(n for owner, n in counts.items() if owner.startswith("ours"))
    database = sum(counts[owner] for owner in ("SQLAlchemy", "the SQLite driver and SQLite", "the PostgreSQL driver"))
    calls = counts["the OpenAI SDK and its HTTP client"]
    broker = counts["Celery and kombu"] + counts["the Redis client"]
    shares = [f"{100 * n / profile.samples:.0f} %" for n in (ours, database, calls, broker)]
    return (
        f"{profile.cpu_s:.1f} s of CPU; the interpreter's lock was held for {profile.locked_s:.1f} s. Of these, "
        f"{shares[0]} is in our own code, {shares[1]} in the database's libraries, {shares[2]} in those of the model "
        f"calls, {shares[3]} in Celery's and Redis'."
    )
