"""The ways in which the model server can misbehave: what a behaviour returns instead of None."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .model_answers import Answers, Question


@dataclass(frozen=True, slots=True)
class Override:
    """What is different from a good answer. Everything may be combined; `raw` replaces the whole body.

    `change` edits the answers by key, `content` replaces the model's text, `message` and `choice` and `envelope` are
    merged into their places. `hang` never answers, `drip_s` waits so long between bytes, `reset` drops the connection.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    content_type: str = "application/json"
    change: Callable[[Answers], Any] | None = None
    content: str | None = None
    message: Mapping[str, Any] = field(default_factory=dict)
    choice: Mapping[str, Any] = field(default_factory=dict)
    envelope: Mapping[str, Any] = field(default_factory=dict)
    hang: bool = False
    drip_s: float = 0.0
    reset: bool = False


Behaviour = Callable[[Question], Override | None]


def error(status: int, message: str = "an error", *, headers: Mapping[str, str] | None = None, **more: Any) -> Override:
    """An HTTP error as OpenAI writes it; `more` are its code, type, param."""
    return Override(status=status, headers=headers or {}, raw=_json({"error": {"message": message, **more}}))


def error_inside(**details: Any) -> Override:
    """A 200 that holds an error instead of choices."""
    return Override(raw=_json({"error": {"message": "an error", **details}}))


def html() -> Override:
    return Override(raw=b"<html><body>Welcome to the hotel's network</body></html>", content_type="text/html")


def empty() -> Override:
    return Override(raw=b"")


def broken() -> Override:
    """A body that ends in the middle."""
    return Override(raw=b'{"id": "x", "choices": [{"index": 0, "mess')


def no_choices() -> Override:
    return Override(envelope={"choices": None})


def refusal() -> Override:
    return Override(message={"refusal": "I cannot help with that.", "content": None})


def content_filter() -> Override:
    return Override(choice={"finish_reason": "content_filter"}, content="")


def cut_after(chars: int) -> Override:
    """The model stopped at its length limit after so many characters."""
    return Override(choice={"finish_reason": "length"}, change=lambda answers: _text(answers)[:chars])


def missing(key: str) -> Override:
    return Override(change=lambda answers: {name: item for name, item in answers.items() if name != key})


def extra(key: str, item: Mapping[str, Any]) -> Override:
    return Override(change=lambda answers: {**answers, key: item})


def with_field(key: str, name: str, value: Any) -> Override:
    """One field of one post's answer is different, such as a wrong category."""
    return Override(change=lambda answers: {**answers, key: {**answers[key], name: value}})


def refuses(parameter: str) -> Behaviour:
    """A server that answers 400 to requests with this parameter: "temperature", "response_format", "json_schema"."""

    def behaviour(question: Question) -> Override | None:
        response_format = question.body.get("response_format") or {}
        if parameter in question.body or parameter == response_format.get("type"):
            return error(400, f"Unsupported parameter: '{parameter}'", type="invalid_request_error", param=parameter)
        return None

    return behaviour


@dataclass
class SomeFail:
    """A behaviour: this share of the calls fails, each in one of the ways in which real servers do."""

    share: float
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def __call__(self, question: Question) -> Override | None:
        return self.chance.choice(_WAYS_TO_FAIL)() if self.chance.random() < self.share else None


_WAYS_TO_FAIL: tuple[Callable[[], Override], ...] = (
    lambda: error(500),
    lambda: error(503),
    lambda: cut_after(40),
    broken,
    html,
    empty,
    lambda: Override(reset=True),
)


def _text(answers: Answers) -> str:
    return json.dumps(answers, ensure_ascii=False)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
