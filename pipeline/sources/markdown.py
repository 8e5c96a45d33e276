"""The Markdown in which Telethon writes a message's formatting into its text: markers out, link addresses kept.

Telethon escapes nothing, so what looks like a marker may be the author's own: `2 ** 3`, `**kwargs`, `__init__`,
`c****d` and `[1](see below)` stay. The rules are those of `unparse` in Telethon 1.x `extensions/markdown.py`, tried on
real dumps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

LINK = r"\[(?P<label>(?:[^\[\]]|\[[^\[\]]*\])*+)\]\((?P<url>(?:https?://|ftp://|tg://|ton://|mailto:|tel:)[^\s()]*(?:\([^\s()]*\)[^\s()]*)*+)\)"
CODE = r"```(?P<block>.+?)```|`(?<!``)(?P<code>[^`\n]+)`(?!`)"
SPECIAL = re.compile(f"{CODE}|{LINK}", re.DOTALL | re.IGNORECASE)
# Every alternative of these three begins with a sign, so that the search skips all other text quickly.
ANY_SIGN = re.compile(r"\*\*|__|~~|`|\]\(")
RUN = re.compile(r"\*\*+|__+|~~+")
# What programs are full of and Telethon does not write: powers, keyword arguments, names with underscores.
OWN_WORDS = re.compile(
    r"\*\*(?<=[A-Za-z0-9)\]]\*\*)(?=[A-Za-z0-9(])|\*\*(?<=[A-Za-z0-9)\]] \*\*)(?= [A-Za-z0-9(])"
    r"|\*\*kwargs\b(?!\*\*)"
    r"|__(?<=[A-Za-z0-9]__)(?=[A-Za-z0-9])|__(?<!\w__)[a-z][a-z0-9]*(?:_[a-z0-9]+)*__(?!\w)"
)


class _Marker(NamedTuple):
    start: int
    end: int
    is_inside_word: bool


class _Piece(NamedTuple):
    """A stretch of the visible text; in code nothing is a marker."""

    text: str
    is_code: bool = False


@dataclass(slots=True)
class _Markers:
    """Where the markers are that come in pairs, for one of the three kinds."""

    pairs: list[_Marker] = field(default_factory=list)
    opening: _Marker | None = None

    def meet(self, marker: _Marker) -> None:
        if self.opening is None or (self.opening.is_inside_word and marker.is_inside_word):
            self.opening = marker
        else:
            self.pairs += (self.opening, marker)
            self.opening = None


def plain_text(text: str) -> tuple[str, list[str]]:
    """The text as a reader of the channel sees it, and the addresses of its links."""
    if not ANY_SIGN.search(text):
        return text, []
    pieces: list[_Piece] = []
    addresses: list[str] = []
    position = 0
    for match in SPECIAL.finditer(text):
        pieces.append(_Piece(text[position : match.start()]))
        if match["url"]:
            addresses.append(match["url"])
            pieces.append(_Piece(match["label"]))
        else:
            pieces.append(_Piece(match["block"] or match["code"], is_code=True))
        position = match.end()
    pieces.append(_Piece(text[position:]))
    return _without_markers(pieces), addresses


def _without_markers(pieces: list[_Piece]) -> str:
    text = "".join([piece.text for piece in pieces])
    masked = "".join(["x" * len(piece.text) if piece.is_code else piece.text for piece in pieces])
    masked = OWN_WORDS.sub(lambda own: "x" * len(own.group()), masked)
    kinds = {"*": _Markers(), "_": _Markers(), "~": _Markers()}
    start = 0
    for piece in pieces:
        end = start + len(piece.text)
        for run in RUN.finditer(masked, start, end):
            _meet_run(kinds[run.group()[0]], run, text)
        start = end
    pairs = sorted([marker for kind in kinds.values() for marker in kind.pairs])
    position, kept = 0, []
    for marker in pairs:
        kept.append(text[position : marker.start])
        position = marker.end
    return "".join([*kept, text[position:]])


def _meet_run(markers: _Markers, run: re.Match[str], text: str) -> None:
    """Two or three signs are one marker; four end one stretch and begin the next; anything else is the author's own."""
    start, length = run.start(), run.end() - run.start()
    is_inside_word = text[start - 1 : start].isalnum() and text[run.end() : run.end() + 1].isalnum()
    if length == 4 and markers.opening is not None:
        markers.meet(_Marker(start, start + 2, is_inside_word=False))
        markers.meet(_Marker(start + 2, start + 4, is_inside_word=False))
    elif length in (2, 3) and not (length == 3 and is_inside_word):
        markers.meet(_Marker(start, start + 2, is_inside_word))
