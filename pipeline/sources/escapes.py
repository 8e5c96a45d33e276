"""Repairs the one thing in which Telegram Desktop's JSON is not JSON: `\\xNN` for control characters in strings."""

from __future__ import annotations

import re
from typing import BinaryIO

ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|.)", re.DOTALL)
UNFINISHED = re.compile(rb"\\(?:x[0-9a-fA-F]?)?\Z")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EscapeRepair:
    """Turns `\\xNN` into `\\u00NN` in a stream of bytes that may be cut anywhere; `\\\\xNN` stays what it is."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """The repaired bytes as far as they are certain; an escape that is not complete is kept for the next call."""
        data = self._held + data
        end = _end_of_whole_escapes(data)
        self._held = data[end:]
        return _repaired(data[:end])

    def finish(self) -> bytes:
        """What was still held when the stream ended."""
        rest, self._held = self._held, b""
        return rest


class RepairedFile:
    """A binary file as a JSON parser wants to read it: `\\xNN` repaired, no byte order mark.

    `chunk_start` is where in the file the bytes begin that were read last.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.chunk_start = 0
        self._file = file
        self._repair = EscapeRepair()
        self._read = 0

    def read(self, size: int) -> bytes:
        """About `size` bytes; none only at the end of the file or where none were asked for."""
        while size:
            data = self._file.read(size)
            self.chunk_start, self._read = self._read, self._read + len(data)
            if self.chunk_start == 0:
                data = data.removeprefix(BYTE_ORDER_MARK)
            repaired = self._repair.feed(data) if data else self._repair.finish()
            if repaired or not data:
                return repaired
        return b""


def _end_of_whole_escapes(data: bytes) -> int:
    unfinished = UNFINISHED.search(data[-3:])
    if unfinished is None:
        return len(data)
    backslash = len(data) - len(unfinished.group())
    before = data[:backslash]
    backslashes_before = len(before) - len(before.rstrip(b"\\"))
    return backslash if backslashes_before % 2 == 0 else len(data)


def _repaired(data: bytes) -> bytes:
    if b"\\x" not in data:
        return data
    return ESCAPE.sub(lambda escape: b"\\u00" + escape[1] if escape[1] else escape[0], data)
