"""What every reader of files yields and raises."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.errors import ForPeople
from storage.records import IncomingPost


class Reason(StrEnum):
    """Why something in a file did not become a post."""

    WITHOUT_TEXT = "without_text"  # nothing a reader could see: most members of an album, a bare picture
    SERVICE = "service"  # "channel created", "photo changed"
    NOT_A_MESSAGE = "not_a_message"  # a number, a string, a list
    WITHOUT_ID = "without_id"
    WITHOUT_DATE = "without_date"
    OTHER_CHAT = "other_chat"  # a whole chat of an account that is not a channel: one of these for the chat


@dataclass(frozen=True, slots=True)
class LeftOut:
    reason: Reason


Reading = IncomingPost | LeftOut


class BrokenFile(ForPeople):
    """{file} cannot be imported: it {problem} ({position}).

    `position` is "line L, byte B", B counted from 0; the numbers alone are in `line` and `byte`. `problem` is an
    English phrase with a verb, such as "ends in the middle of its JSON".
    """

    def __init__(self, file: str, problem: str, line: int = 1, byte: int = 0) -> None:
        super().__init__(
            "import.broken_file",
            file=file,
            problem=problem,
            position=f"line {line}, byte {byte}",
            line=line,
            byte=byte,
        )
