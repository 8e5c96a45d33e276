"""The readers of a public bot as a table for a spreadsheet program."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from datetime import UTC, datetime

from pipeline.stages.plain_text import one_line
from storage.records import Subscriber

COLUMNS = (
    "chat_id",
    "kind",
    "title",
    "state",
    "reason",
    "language",
    "left_out_topics",
    "origin",
    "since",
    "changed",
)
BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes UTF-8 for the system's old encoding

# A cell that begins so is a formula to Excel, and with other separators than ours one can begin within our cell:
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = re.compile(r"(^|[;,|\t])(\s*)(?=[=+\-@＝＋－＠])")


class _Page:
    """What `csv` writes to."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> int:
        self.lines.append(line)
        return len(line)


def readers_csv(readers: Iterable[tuple[Subscriber, str | None]]) -> bytes:
    """A line for each subscriber, given with the origin of their invitation; times are in UTC."""
    page = _Page()
    writer = csv.writer(page)
    writer.writerow(COLUMNS)
    for reader, origin in readers:
        words = (reader.title, reader.state, reader.reason, reader.language, ", ".join(reader.left_out), origin)
        title, *others = [_harmless(word or "") for word in words]
        times = (_time(reader.created_at), _time(reader.changed_at))
        writer.writerow((reader.chat_id, reader.kind, title, *others, *times))
    return (BYTE_ORDER_MARK + "".join(page.lines)).encode()


def _harmless(text: str) -> str:
    """One line in which no spreadsheet program finds a formula: an apostrophe stands before what looks like one."""
    return _FORMULA.sub(r"\1\2'", one_line(text))


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
