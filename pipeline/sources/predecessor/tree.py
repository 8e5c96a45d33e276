"""A file of the old program as plain values: JSON, JSON Lines, SQLite, CSV, TOML, and Python, which is never run."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.sources.predecessor.literals import read_python
from pipeline.sources.reading import BrokenFile

SQLITE = b"SQLite format 3\x00"
SUFFIXES = (".py", ".json", ".jsonl", ".ndjson", ".toml", ".csv", ".db", ".sqlite", ".sqlite3", ".txt")
PICKLE = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something in a file that was not taken over: where it stands, as `posts[3].date`, and why."""

    where: str
    why: str


def files_of(path: Path) -> Iterator[tuple[Path, str, str | None]]:
    """The files to read, the beginning of their places, and what each is named after where a folder has many."""
    if not path.is_dir():
        yield path, "", None
        return
    for file in sorted(path.iterdir()):
        if file.is_file() and file.suffix.casefold() in SUFFIXES:
            yield file, file.name, file.stem


def load(path: Path, tables: Sequence[str] = ()) -> Any:
    """The whole file. Of an SQLite file, the first of these tables that it has, else its only one.

    Raises:
        BrokenFile: it cannot be read; with the line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BrokenFile(path.name, f"cannot be read: {error.strerror}") from None
    if data.startswith(SQLITE):
        return _sqlite(path, tables)
    if data.startswith(PICKLE):
        raise BrokenFile(
            path.name, "is a pickle, which would run whatever is in it: write it as JSON with the old program"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BrokenFile(path.name, "is not UTF-8 text", data[: error.start].count(b"\n") + 1, error.start) from None
    if not text.strip():
        raise BrokenFile(path.name, "is empty")
    return _text(path, text)


def _text(path: Path, text: str) -> Any:
    match path.suffix.casefold():
        case ".py":
            return read_python(path, text)
        case ".toml":
            return _toml(path, text)
        case ".csv":
            return list(csv.DictReader(io.StringIO(text)))
        case ".txt":
            return [line.strip() for line in text.splitlines() if line.strip()]
    return _json(path, text)


def _json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > 1 and _is_object(lines[0]):
            return _json_lines(path, text)
        raise BrokenFile(path.name, f"is not valid JSON: {error.msg}", error.lineno, _bytes(text, error.pos)) from None


def _json_lines(path: Path, text: str) -> list[Any]:
    values, start = [], 0
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if line.strip():
            try:
                values.append(json.loads(line))
            except json.JSONDecodeError as error:
                position = _bytes(text, start + error.pos)
                raise BrokenFile(path.name, f"is not valid JSON: {error.msg}", number, position) from None
        start += len(line)
    return values


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _bytes(text: str, position: int) -> int:
    return len(text[:position].encode())


def _toml(path: Path, text: str) -> Any:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BrokenFile(path.name, f"is not valid TOML: {error}") from None


def _sqlite(path: Path, wanted: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            table = _table(path, connection, wanted)
            rows = connection.execute(f'SELECT * FROM "{table}"').fetchall()  # noqa: S608 - a name that stands in the file
    except sqlite3.Error as error:
        raise BrokenFile(path.name, f"is an SQLite file that cannot be read: {error}") from None
    return {table: [{key: _decoded(row[key]) for key in row.keys()} for row in rows]}  # noqa: SIM118 - a Row has no items


def _table(path: Path, connection: sqlite3.Connection, wanted: Sequence[str]) -> str:
    query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
    names = [name for (name,) in connection.execute(query)]
    for name in wanted:
        if found := next((one for one in names if one.casefold() == name.casefold()), None):
            return str(found)
    if len(names) == 1:
        return str(names[0])
    raise BrokenFile(path.name, f"has the tables {', '.join(names) or '(none)'}: say which one with --table")


def _decoded(value: Any) -> Any:
    """What programs keep as JSON in a column."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
