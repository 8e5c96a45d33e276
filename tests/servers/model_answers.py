"""Sensible and repeatable answers to the questions that the pipeline asks a model."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from zlib import crc32

Kind = Literal["categorization", "summarization"]
Answers = dict[str, dict[str, Any]]

_POST = re.compile(r'<post id="(p\d+)">(.*?)</post>', re.DOTALL)
_CATEGORY = re.compile(r'^- "([^"]+)"', re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Question:
    """A chat completion request as the pipeline means it; `schema` is None where the answer's shape is not enforced."""

    kind: Kind
    posts: Mapping[str, str]
    categories: tuple[str, ...]
    schema: Mapping[str, Any] | None
    system: str
    user: str
    body: Mapping[str, Any]


def read_question(body: Mapping[str, Any]) -> Question:
    texts = {message["role"]: str(message["content"]) for message in body["messages"]}
    system, user = texts.get("system", ""), texts.get("user", "")
    response_format = body.get("response_format") or {}
    schema = response_format.get("json_schema", {}).get("schema")
    fields = _fields(schema)
    is_summary = "headline" in fields if schema else '"headline"' in system
    return Question(
        kind="summarization" if is_summary else "categorization",
        posts=dict(_POST.findall(user)),
        categories=tuple(fields.get("category", {}).get("enum") or [*_CATEGORY.findall(system), "none"]),
        schema=schema,
        system=system,
        user=user,
        body=body,
    )


def good_answers(question: Question) -> Answers:
    """An answer for every post; the same text gets the same one in every batch."""
    return {key: _answer(question, text) for key, text in question.posts.items()}


def _fields(schema: Mapping[str, Any] | None) -> Mapping[str, Any]:
    items: Sequence[Mapping[str, Any]] = list((schema or {}).get("properties", {}).values())
    return items[0].get("properties", {}) if items else {}


def _answer(question: Question, text: str) -> dict[str, Any]:
    if question.kind == "summarization":
        sentences = [part.strip() for part in _SENTENCE.split(text) if part.strip()] or ["An empty post"]
        return {"headline": sentences[0][:150], "summary": sentences[min(1, len(sentences) - 1)][:400]}
    number = crc32(text.encode())
    named = [name for name in question.categories if name != "none" and name.casefold() in text.casefold()]
    choices = [name for name in question.categories if name != "none"] or ["none"]
    return {
        "category": named[0] if named else choices[number % len(choices)],
        "importance": 1 + number // 7 % 5,
        "reason": f"it begins with {json.dumps(text[:20], ensure_ascii=False)}",
    }
