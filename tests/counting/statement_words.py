"""A statement in a few words, as a person compares statements."""

from __future__ import annotations

import re

MOST_CHARS = 150
SPACE = re.compile(r"\s+")
SELECTED = re.compile(r"^SELECT .*? FROM ", re.IGNORECASE)
CAST = re.compile(r"::\w+( WITHOUT TIME ZONE| WITH TIME ZONE)?")
PARAMETER = re.compile(r"%\([^)]*\)s")


def in_few_words(statement: str) -> str:
    """On one line, without the list of columns; parameters are alike for both databases."""
    words = SPACE.sub(" ", statement).strip()
    words = CAST.sub("", PARAMETER.sub("?", words))
    words = SELECTED.sub("SELECT ... FROM ", words).partition(" RETURNING ")[0]
    return words if len(words) <= MOST_CHARS else f"{words[: MOST_CHARS - 3]}..."
