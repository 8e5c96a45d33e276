"""Keeps what a stranger wrote from being taken for the tags that stand around posts in a prompt."""

from __future__ import annotations

import re

from pipeline.stages.folding import latin_letter

NOT_A_BRACKET = "("

_BRACKETS = "<‹⟨〈〈❬❮❰⟪《˂ᐸᚲ≺⋖≪≮﹤＜"
_BRACKET = re.compile(
    rf"[{_BRACKETS}](?![{_BRACKETS}])|&lt;?|&#0*60;?|&#x0*3c;?|\\u003c|\\x3c|%3c",
    re.IGNORECASE,
)
_GAP = frozenset("/\\|!.,·_*\"'`~^:;=+-")
_TAGS = ("post", "meta")


def without_delimiters(text: str) -> str:
    """The text with a parenthesis for every bracket, or what looks like one or stands for one, that begins a tag named
    post or meta. Look-alike letters and gaps in the name do not help."""
    return _BRACKET.sub(lambda match: NOT_A_BRACKET if _names_a_tag(text, match.end()) else match.group(), text)


def _names_a_tag(text: str, position: int) -> bool:
    """Whether the first letters after `position` are those of a tag; no bracket is passed on the way."""
    name = ""
    for index in range(position, len(text)):
        for letter in latin_letter(text[index]):
            if letter in _GAP or letter.isspace():
                continue
            name += letter
            if name in _TAGS:
                return True
            if not any(tag.startswith(name) for tag in _TAGS):
                return False
    return False
