"""What clients say to Redis, told apart in their bytes (the RESP protocol)."""

from __future__ import annotations

Command = tuple[bytes, ...]

END = b"\r\n"


class CommandReader:
    """Collects the bytes of one client until they are whole commands."""

    def __init__(self) -> None:
        self._bytes = b""

    def feed(self, data: bytes) -> list[Command]:
        """The commands that these bytes complete."""
        self._bytes += data
        commands: list[Command] = []
        while (read := _first(self._bytes)) is not None:
            command, self._bytes = read
            commands.append(command)
        return commands


def _first(data: bytes) -> tuple[Command, bytes] | None:
    """The first command, which is an array of strings, and what comes behind it; None: it is not all there yet."""
    head, end, rest = data.partition(END)
    if not end:
        return None
    assert head.startswith(b"*"), f"no command begins like this: {head!r}"
    words = []
    for _ in range(int(head[1:])):
        size, end, rest = rest.partition(END)
        if not end or len(rest) < (length := int(size[1:])) + len(END):
            return None
        words.append(rest[:length])
        rest = rest[length + len(END) :]
    return tuple(words), rest
