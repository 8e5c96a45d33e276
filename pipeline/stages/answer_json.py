"""Finds the JSON object in whatever a model wrote around it, and saves what is whole of one that was cut off."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

_DECODER = json.JSONDecoder(strict=False)  # models write line breaks into strings
_THOUGHTS = re.compile(r"\A\s*<think>.*?(?:</think>|\Z)", re.DOTALL)
_SPACE = re.compile(r"\s*")
_MAX_STARTS = 50  # a text full of braces is no answer, and trying them all would take long

Entries = list[tuple[str, Any]]


def answer_entries(content: str, keys: Sequence[str]) -> Entries | None:
    """The (key, value) pairs of the first object in `content` that has one of `keys`, at its top or one key inside.

    An object that is cut off or broken gives the pairs before that place. Pairs are not made unique: a model may answer
    twice for one key. None where no object has anything to do with `keys`; [] where one is empty.
    """
    content = _THOUGHTS.sub("", content)
    found: Entries | None = None
    start = content.find("{")
    for _ in range(_MAX_STARTS):
        if start < 0:
            break
        entries, end = _object_at(content, start)
        entries = _unwrapped(entries, keys)
        if any(name in keys for name, _ in entries):
            return entries
        if end > start + 1:
            found = entries
        start = content.find("{", end)
    return found


def _object_at(content: str, start: int) -> tuple[Entries, int]:
    """The whole pairs of the object that begins at `start`, and where reading stopped."""
    entries: Entries = []
    position = _skip_space(content, start + 1)
    try:
        while not content.startswith("}", position):
            name, position = _DECODER.raw_decode(content, position)
            position = _skip_space(content, position)
            if not isinstance(name, str) or not content.startswith(":", position):
                return entries, max(start + 1, position)
            value, position = _DECODER.raw_decode(content, _skip_space(content, position + 1))
            entries.append((name, value))
            position = _skip_space(content, position)
            if content.startswith(",", position):
                position = _skip_space(content, position + 1)
            elif not content.startswith("}", position):
                return entries, position
    except (ValueError, RecursionError):
        return entries, max(start + 1, position)
    return entries, position + 1


def _unwrapped(entries: Entries, keys: Sequence[str]) -> Entries:
    if len(entries) == 1 and entries[0][0] not in keys and isinstance(entries[0][1], dict):
        inner = entries[0][1]
        return list(inner.items()) if any(key in inner for key in keys) else entries
    return entries


def _skip_space(content: str, position: int) -> int:
    match = _SPACE.match(content, position)
    return match.end() if match else position
