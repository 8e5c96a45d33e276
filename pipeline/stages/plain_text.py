"""Other people's text made fit to be read by models and by people: what hides, turns or disguises is taken out.

Everything that posts, channels and models wrote passes here on its way to a model, to Telegram and to files.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_MOST_KNOWN = 4096
MAX_MARKS = 4  # accents on one letter: Vietnamese needs two, pointed Hebrew and Tibetan up to four

_ZWNJ, _ZWJ = "\u200c", "\u200d"
_EMOJI_STYLE, _TEXT_STYLE = "\ufe0f", "\ufe0e"
_KEYCAP = "\u20e3"
_LINE_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_SPACES = re.compile(r"[^\S\u00a0\u202f]+")  # spaces that do not break keep numbers and units together
# Nothing here hides, is an accent or depends on what stands beside it: most of what people write, only quickly told.
_PLAIN = re.compile(
    r"[\n\t -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u052f\u05d0-\u05ea\u0620-\u064a\u1e00-\u1eff\u2010-\u2027"
    r"\u202f-\u205e\u20a0-\u20c0\u2100-\u27ff\u3001-\u3029\u3030-\u3096\u309b-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff9f\U0001d400-\U0001d7ff\U0001f000-\U0001faff\U00020000-\U0002fa1f]+"
)

_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co"})
# Numbers and verses in Arabic script are framed by these, which can be seen although they count as format characters.
_VISIBLE_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2")
# https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt: Default_Ignorable_Code_Point beyond Cf
_HIDDEN_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\U00016fe4")
_BLANK_LETTERS = frozenset("\u2800\u3164\uffa0\U0001d159")
_FLAG = "\U0001f3f4"
_FLAG_TAGS = frozenset(
    "".join(chr(0xE0000 + ord(char)) for char in region) + "\U000e007f" for region in ("gbeng", "gbsct", "gbwls")
)
_FLAG_TAGS_LENGTH = 6
_JOINING_SCRIPTS = ((0x600, 0xE00), (0x1000, 0x10A0), (0x1780, 0x18B0), (0xFB50, 0xFE00), (0xFE70, 0xFEFF))


def printable(text: str) -> str:
    """`text` without what cannot be seen or turns what stands beside it; line breaks (as \\n) and tabs stay.

    Taken out: control, format, direction, tag, private and broken characters, letters that look like nothing, joiners
    and variation selectors where they mean nothing, and all but the first four accents on a letter. What emoji, flags,
    Persian and the scripts of India need stays.
    """
    text = _LINE_BREAKS.sub("\n", text)
    kept: list[str] = []
    marks = MAX_MARKS
    position = 0
    while position < len(text):
        plain = _PLAIN.match(text, position)
        is_mark = plain is None and _is_mark(text[position])
        shown = plain.group() if plain else "" if is_mark and marks >= MAX_MARKS else _shown(text, position, kept)
        if shown:
            marks = marks + 1 if is_mark else MAX_MARKS if shown[-1] == "\n" else 0
            kept.append(shown)
        position += max(len(shown), 1)
    return "".join(kept)


def one_line(text: str) -> str:
    """`printable` text on one line, with single spaces and none around it."""
    return _SPACES.sub(" ", printable(text)).strip()


def paragraph(text: str) -> str:
    """`printable` text with single line breaks at most and no white space around it."""
    return "\n".join(line.strip() for line in printable(text).split("\n") if line.strip())


def _shown(text: str, position: int, kept: list[str]) -> str:
    """What is shown for the character at `position`, which is not plain, after what is `kept`; a flag's tags come all
    at once."""
    char = text[position]
    before = kept[-1][-1] if kept else ""
    after = text[position + 1 : position + 2]
    if char in _BLANK_LETTERS:
        return " "
    if char in (_ZWNJ, _ZWJ):
        return char if _joins(char, before, after) else ""
    if char in (_EMOJI_STYLE, _TEXT_STYLE):
        return char if _has_styles(before, after) else ""
    if before == _FLAG and text[position : position + _FLAG_TAGS_LENGTH] in _FLAG_TAGS:
        return text[position : position + _FLAG_TAGS_LENGTH]
    return "" if _is_hidden(char) else char


def _joins(joiner: str, before: str, after: str) -> bool:
    if _is_of_joining_script(before) and _is_of_joining_script(after):
        return True
    return joiner == _ZWJ and (_is_picture(before) or before == _EMOJI_STYLE) and _is_picture(after)


def _has_styles(before: str, after: str) -> bool:
    if before and before in "0123456789#*":
        return after == _KEYCAP
    return _is_picture(before) or (before != "" and before in "‼⁉〰〽ℹ")


@lru_cache(maxsize=_MOST_KNOWN)
def _is_picture(char: str) -> bool:
    if not char:
        return False
    is_tone = "\U0001f3fb" <= char <= "\U0001f3ff"
    is_newer_than_our_tables = "\U0001f000" <= char <= "\U0001faff"
    return is_tone or is_newer_than_our_tables or unicodedata.category(char) in ("So", "Sm")


@lru_cache(maxsize=_MOST_KNOWN)
def _is_of_joining_script(char: str) -> bool:
    return char != "" and any(first <= ord(char) < end for first, end in _JOINING_SCRIPTS)


@lru_cache(maxsize=_MOST_KNOWN)
def _is_mark(char: str) -> bool:
    return char > "\u02ff" and unicodedata.category(char) in ("Mn", "Me") and char not in (_EMOJI_STYLE, _TEXT_STYLE)


@lru_cache(maxsize=_MOST_KNOWN)
def _is_hidden(char: str) -> bool:
    code = ord(char)
    if char in _VISIBLE_FORMATS:
        return False
    return (
        unicodedata.category(char) in _HIDDEN_CATEGORIES
        or char in _HIDDEN_LETTERS
        or 0xFE00 <= code <= 0xFE0F  # variation selectors
        or 0xE0000 <= code <= 0xE0FFF  # tags, more variation selectors
        or 0xFDD0 <= code <= 0xFDEF
        or 0xFFF0 <= code <= 0xFFF8
        or code & 0xFFFE == 0xFFFE  # not characters
        or code == 0x2065
    )
