"""What this server understands of a request: found out once, by its refusals, and remembered by whoever asks it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum


class AnswerFormat(IntEnum):
    """How the shape of the answer is enforced, the weakest first."""

    PLAIN_TEXT = 0
    JSON_OBJECT = 1
    JSON_SCHEMA = 2


# "grammar" is what llama.cpp and vLLM call a schema that they cannot enforce.
_ANSWER_FORMAT = re.compile(r"response_?format|json_?schema|json_?object|structured.?output|grammar", re.IGNORECASE)
_TEMPERATURE = re.compile(r"temperature", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dialect:
    answer_format: AnswerFormat = AnswerFormat.JSON_SCHEMA
    has_temperature: bool = True

    def without_refused(self, complaint: str) -> Dialect | None:
        """The next simpler dialect after a server refused this one, or None where it complains of something else.

        Args:
            complaint: the parameter that the server names and the beginning of its message.
        """
        if self.has_temperature and _TEMPERATURE.search(complaint):
            return Dialect(self.answer_format, has_temperature=False)
        if self.answer_format > AnswerFormat.PLAIN_TEXT and _ANSWER_FORMAT.search(complaint):
            return Dialect(AnswerFormat(self.answer_format - 1), self.has_temperature)
        return None

    def common(self, other: Dialect) -> Dialect:
        """What both allow: calls that run at the same time learn of the same refusal more than once."""
        return Dialect(
            min(self.answer_format, other.answer_format), has_temperature=self.has_temperature and other.has_temperature
        )
