"""Text without tricks: what may pass between posts, models and people."""

from __future__ import annotations

import unicodedata

# Joiners build emoji and belong to Persian and Indic words; every other format character hides or turns text.
_JOINERS = "\u200c\u200d"
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co"})


def printable(text: str) -> str:
    """`text` without control, format, bidi, private and surrogate characters; line breaks (as \\n) and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    for line_break in ("\r\n", "\r", "\x85", "\u2028", "\u2029"):
        text = text.replace(line_break, "\n")
    return "".join(char for char in text if char in "\n\t" or char in _JOINERS or not _is_hidden(char))


def one_line(text: str) -> str:
    """`printable` text with every run of white space as one space."""
    return " ".join(printable(text).split())


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN
