"""JSON files of any size, one value at a time. What is wrong with a file is told with its position."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ijson

from pipeline.sources.escapes import EscapeRepair, RepairedFile
from pipeline.sources.reading import BrokenFile

CHUNK = 64 * 1024
# Numbers are read as C reads them: on an integer of thousands of digits the exact reading crashes the process.
OPTIONS = {"use_float": True, "multiple_values": True}

PARSER_ERRORS = (ijson.JSONError, UnicodeDecodeError)

Event = tuple[str, str, Any]


def items(path: Path, prefix: str) -> Iterator[Any]:
    """The values under `prefix`, as ijson names places; an empty prefix: every value of the file.

    Raises:
        BrokenFile: the file cannot be read or is not JSON up to its end.
    """
    with opened(path) as file, _errors_told(path, file):
        yield from ijson.items(file, prefix, buf_size=CHUNK, **OPTIONS)


@contextmanager
def events(path: Path, chunk: int = CHUNK) -> Iterator[Iterator[Event]]:
    """The file as ijson's events (prefix, event, value).

    Raises:
        BrokenFile: while the events are read: the file cannot be read or is not JSON up to its end.
    """
    with opened(path) as file, _errors_told(path, file):
        yield ijson.parse(file, buf_size=chunk, **OPTIONS)


@contextmanager
def opened(path: Path) -> Iterator[RepairedFile]:
    """The file, repaired as it is read.

    Raises:
        BrokenFile: it cannot be opened or read.
    """
    try:
        with path.open("rb") as file:
            yield RepairedFile(file)
    except OSError as error:
        raise BrokenFile(path.name, f"cannot be read: {error.strerror}") from None


@contextmanager
def _errors_told(path: Path, file: RepairedFile) -> Iterator[None]:
    try:
        yield
    except PARSER_ERRORS as error:
        raise _diagnosis(path, file.chunk_start, error) from None


def _diagnosis(path: Path, chunk_start: int, error: Exception) -> BrokenFile:
    """Parse again up to the chunk that failed, then byte by byte: the parser does not tell where it stopped."""
    if chunk_start >= path.stat().st_size:
        return _broken_at(path, "ends in the middle of its JSON: it was cut or not copied completely", chunk_start)
    parsed = ijson.sendable_list()
    parser = ijson.basic_parse_coro(parsed, **OPTIONS)
    repair = EscapeRepair()
    position = 0
    with path.open("rb") as file:
        try:
            while data := file.read(max(1, min(CHUNK, chunk_start - position))):
                if repaired := repair.feed(data):  # to the parser, no bytes are the end of the file
                    parser.send(repaired)
                position += len(data)
                parsed.clear()
        except PARSER_ERRORS as exact:
            error = exact
    return _broken_at(path, f"is not valid JSON: {_first_line(error)}", position)


def _broken_at(path: Path, problem: str, byte: int) -> BrokenFile:
    line = 1
    with path.open("rb") as file:
        for start in range(0, byte, CHUNK):
            line += file.read(min(CHUNK, byte - start)).count(b"\n")
    return BrokenFile(path.name, problem, line, byte)


def _first_line(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return str(text).partition("\n")[0].rstrip(". ")
