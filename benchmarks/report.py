"""What measured pages share: sections between markers, tables, and the facts of the machine."""

from __future__ import annotations

import os
import platform
import textwrap
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

import psutil

GIBIBYTE = 1024**3


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
