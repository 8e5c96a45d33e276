"""docs/performance.md: a section for each benchmark between its markers, and the table of what they must reach."""

from __future__ import annotations

import json
import os
import platform
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

from settings import HOME

PAGE = HOME / "docs" / "performance.md"
TARGETS = HOME / "docs" / "performance.json"  # what each benchmark reached when it ran last
GIBIBYTE = 1024**3


@dataclass(frozen=True)
class Target:
    """What must be reached and what was, both in words with their units: "≤ 3 ms", "2.4 ms"."""

    measure: str
    wanted: str
    measured: str
    is_reached: bool


def publish(name: str, text: str, targets: Sequence[Target], page: Path = PAGE, kept: Path = TARGETS) -> None:
    """Write a benchmark's section, and its rows of the table of targets, which has the rows of all benchmarks."""
    known = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    known[name] = [asdict(target) for target in targets]
    kept.write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    rows = [
        (row["measure"], row["wanted"], row["measured"], "yes" if row["is_reached"] else "**no**")
        for of_benchmark in known.values()
        for row in of_benchmark
    ]
    write_section(page, "targets", "## Targets\n\n" + table(("measure", "must reach", "measured", "reached"), rows))
    write_section(page, name, text)


def write_section(page: Path, name: str, text: str) -> None:
    """Put a section between its markers, or at the end of the page where it has none yet; all else stays as it is."""
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    section = f"{begin}\n{text.strip()}\n{end}"
    before, found, rest = old.partition(begin)
    if not found:
        page.write_text(f"{old.rstrip()}\n\n{section}\n".lstrip(), encoding="utf-8")
        return
    _, closed, after = rest.partition(end)
    if not closed:
        raise SystemExit(f"{page}: {begin} has no {end}.")
    page.write_text(before + section + after, encoding="utf-8")


def machine_facts(packages: Sequence[str] = ()) -> str:
    """Cores, memory, system, Python, and the versions of these packages."""
    memory = psutil.virtual_memory().total / GIBIBYTE
    parts = [
        f"{os.cpu_count()} cores",
        f"{memory:.0f} GiB",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        *(f"{package} {version(package)}" for package in packages),
    ]
    return ", ".join(parts)


def paragraph(text: str) -> str:
    """A text in lines of the length that our pages have."""
    return textwrap.fill(text, 128, break_long_words=False, break_on_hyphens=False)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; a bar or a line break in a cell does not break it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "/").replace("\n", " ") for cell in line) + " |" for line in lines
    )
