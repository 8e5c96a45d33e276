"""Keeps what a stranger wrote from being taken for the tags that stand around posts in a prompt."""

from __future__ import annotations

import re

from pipeline.stages.folding import latin_letter

NOT_A_BRACKET = "("

_BRACKETS = dict.fromkeys("<‹⟨〈〈❬❮❰⟪《˂ᐸᚲ≺⋖≪", "<")
_WRITTEN_BRACKET = re.compile(r"&lt;?|&#0*60;?|&#x0*3c;?|\\u003c|\\x3c|%3c", re.IGNORECASE)
_GAP = r"[\s/\\|!.,·_*\"'`~^:;=+-]*"
_TAG = re.compile(f"<(?={_GAP}(?:{_GAP.join('post')}|{_GAP.join('meta')}))")


def without_delimiters(text: str) -> str:
    """The text with a parenthesis for every bracket, or what looks like one or stands for one, that begins a tag named
    post or meta. Look-alike letters and gaps in the name do not help."""
    text = _WRITTEN_BRACKET.sub(lambda match: "<" if _begins_tag(text, match.end()) else match.group(), text)
    folded, positions = _folded(text)
    chars = list(text)
    for match in _TAG.finditer(folded):
        chars[positions[match.start()]] = NOT_A_BRACKET
    return "".join(chars)


def _begins_tag(text: str, position: int) -> bool:
    folded, _ = _folded(text[position : position + 40])
    return _TAG.match("<" + folded) is not None


def _folded(text: str) -> tuple[str, list[int]]:
    """The text in plain letters and brackets, and for each of its characters where it comes from."""
    pairs = [(part, index) for index, char in enumerate(text) for part in _BRACKETS.get(char) or latin_letter(char)]
    return "".join(part for part, _ in pairs), [index for _, index in pairs]
