"""Look-alikes folded together, so that a word is found in whatever letters it was written. Never to be shown.

The pairs are those of https://www.unicode.org/Public/security/latest/confusables.txt that a phone's font hardly tells
apart, among the letters in which Russian and English are disguised.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_LATIN_PAIRS = (
    "аa вb еe ёe зz іi їi јj кk мm нh оo пn рp сc тt уy хx цu ьb ѕs ԁd ԛq ԝw һh ӏl гr "
    "αa βb γy εe ηn ιi κk νv οo ρp τt υu χx ωw ıi ɩi ȷj ɑa ɡg łl øo đd օo"
)
_CYRILLIC_PAIRS = "aа bв cс eе hн iі jј kк mм nп oо pр sѕ tт uи xх yу rг αа βв εе κк νу οо ρр τт χх ёе іи їи"
_LETTER_NAME = re.compile(r"(?:.* )?(?:LATIN|INDICATOR SYMBOL)\b.* ([A-Z])(?: WITH .*)?")
_LETTERS_APART = re.compile(r"[ .·_*|~-][^\W\d_][ .·_*|~-][^\W\d_][ .·_*|~-]")
_SPACED_LETTERS = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .·_*|~-]){3,}[^\W\d_](?![^\W_])")
_DIGITS_AS_LETTERS = str.maketrans("013457@$", "oieastas")
_DIGIT_IN_A_WORD = re.compile(r"[013457@$](?<=[a-z].)[013457@$]*(?=[a-z])")
_MOST_KNOWN = 4096


def _table(pairs: str) -> dict[str, str]:
    return {pair[0]: pair[1] for pair in pairs.split()}


_AS_LATIN, _AS_CYRILLIC = _table(_LATIN_PAIRS), _table(_CYRILLIC_PAIRS)


class _Letters(dict[int, str]):
    """A table for `str.translate` that is filled while it is used, and never grows large."""

    def __init__(self, letter: Callable[[str], str]) -> None:
        super().__init__()
        self._letter = letter

    def __missing__(self, code: int) -> str:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        letter = self[code] = self._letter(chr(code))
        return letter


def latin(text: str) -> str:
    """The text in small Latin letters without accents, whatever alphabet, font or spacing disguises them."""
    folded = _closed_up(text.translate(_LATIN))
    return _DIGIT_IN_A_WORD.sub(lambda match: match.group().translate(_DIGITS_AS_LETTERS), folded)


def cyrillic(text: str) -> str:
    """The text in small Cyrillic letters without accents, "ё" and "і" as "е" and "и"."""
    return _closed_up(unicodedata.normalize("NFKC", text).translate(_CYRILLIC))


def latin_letter(char: str) -> str:
    """What one character is in `latin`: a letter mostly, nothing for an accent, several for a ligature."""
    return _LATIN[ord(char)]


def _latin_letter(char: str) -> str:
    folded = "".join(part for part in unicodedata.normalize("NFKD", char).casefold() if not unicodedata.combining(part))
    return "".join(_AS_LATIN.get(part) or _by_name(part) for part in folded)


def _cyrillic_letter(char: str) -> str:
    if unicodedata.combining(char):
        return ""
    return "".join(_AS_CYRILLIC.get(part, part) for part in map(_by_name, char.casefold()))


def _by_name(char: str) -> str:
    """The letter that small capitals, letters in squares and the like are named after."""
    if char < "\u0100" or "\u0370" <= char < "\u1d00" or "\u2e80" <= char < "\ua640" or "\uac00" <= char < "\uff00":
        return char
    match = _LETTER_NAME.fullmatch(unicodedata.name(char, ""))
    return match.group(1).lower() if match else char


def _closed_up(text: str) -> str:
    """Words whose letters stand apart, written together."""
    if _LETTERS_APART.search(text) is None:
        return text
    return _SPACED_LETTERS.sub(lambda match: re.sub(r"[ .·_*|~-]", "", match.group()), text)


_LATIN, _CYRILLIC = _Letters(_latin_letter), _Letters(_cyrillic_letter)
