"""Sentences of Russian and English news, without a library: where one ends and how a long one is shortened."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_END = re.compile(r"(?:[.!?…]+[\"»”’'\)\]]*)(?=\s)")
_START = re.compile(r"[\"«“„'‘(\[—–-]*\s?[^\W_]")
_LAST_WORD = re.compile(r"[\w.\-]+$")
_NEXT_WORD = re.compile(r"[^\W\d_]+")
_LIST_NUMBER = re.compile(r"\d{1,2}\.")
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+")

# After these a name or a number follows, so their full stop never ends a sentence.
_TITLES = _words(
    "mr mrs ms dr prof st gen sen rep gov lt col sgt capt maj adm hon rev pres vs no nos fig vol approx dept "
    "jan feb mar apr jun jul aug sep sept oct nov dec "
    "ул просп пр-т пер бул наб пл им проф акад доц тов гр ген полк подп кап лейт рис табл см ср напр "
    "обл респ пос дер стр корп кв тел рег св сокр англ нем фр лат букв"
)
_DOTTED_TITLES = frozenset({"т.е", "т.к", "т.н", "т.ч", "т.о", "и.о", "в.и.о", "e.g", "i.e"})
_TOWNS_AND_YEARS = frozenset({"г", "с", "д", "п", "о"})
# "in the U.S. The …" is two sentences, "the U.S. President" is one.
_STARTERS = _words(
    "the a an it he she they we i this that these those but and in on at as when while after before however "
    "there his her its our their if for by with from no not"
)
_NOT_DECORATION = frozenset("№°%©®™§")
_BULLETS = frozenset("•▪●◦‣·■□*")
_JOINERS = ("Cf", "Mn", "Sk", "Me")
_DASH_BULLETS = ("— ", "– ", "- ")


def split_sentences(text: str) -> list[str]:
    """The sentences of `text` in order, on one line each.

    A line break always ends a sentence. List bullets and emoji around a sentence are taken off, and what has neither a
    letter nor a digit is left out.
    """
    sentences = (undecorated(part) for line in text.splitlines() for part in _split_line(" ".join(line.split())))
    return [sentence for sentence in sentences if any(char.isalnum() for char in sentence)]


def clip(text: str, max_chars: int) -> str:
    """`text` if it has at most `max_chars` characters, else its beginning up to a word's end, with an ellipsis.

    A single word that is longer than that is cut inside.
    """
    if len(text) <= max_chars:
        return text
    head = text[: max_chars - 1]
    border = head.rfind(" ")
    if not text[len(head)].isspace() and border > max_chars // 2:
        head = head[:border]
    return head.rstrip(' ,.;:!?—–-(«"\u200d\ufe0f') + "…"


def undecorated(sentence: str) -> str:
    """The sentence without the bullets, emoji and invisible characters around it."""
    start, end = 0, len(sentence)
    while start < end and _is_decoration(sentence[start]):
        start += 1
    while end > start and _is_decoration(sentence[end - 1]):
        end -= 1
    core = sentence[start:end].strip()
    return core[2:].lstrip() if core.startswith(_DASH_BULLETS) else core


def _is_decoration(char: str) -> bool:
    if char in _NOT_DECORATION:
        return False
    category = unicodedata.category(char)
    return char.isspace() or char in _BULLETS or category == "So" or category in _JOINERS


def _split_line(line: str) -> Iterator[str]:
    start = 0
    for match in _END.finditer(line):
        if _is_border(line, start, match):
            yield line[start : match.end()]
            start = match.end() + 1
    yield line[start:]


def _is_border(line: str, start: int, match: re.Match[str]) -> bool:
    after = match.end() + 1
    while after < len(line) and _is_decoration(line[after]):
        after += 1
    following = _START.match(line, after)
    if following is None or following.group()[-1].islower():
        return False
    if line[match.start()] != "." or match.group().startswith(".."):
        return True
    before = _LAST_WORD.search(line, max(start, match.start() - 40), match.start())
    return before is None or not _continues(
        before.group(), line[start : match.start()], line[following.end() - 1 : following.end() + 40]
    )


def _continues(word: str, sentence: str, rest: str) -> bool:
    """Whether the full stop after `word` belongs to the word and the sentence goes on with `rest`."""
    lowered = word.lower()
    if lowered in _TITLES or lowered in _DOTTED_TITLES:
        return True
    if lowered in _TOWNS_AND_YEARS and word == lowered:
        return not re.search(r"\d\s*" + word + "$", sentence)
    if _LIST_NUMBER.fullmatch(sentence + "."):
        return True
    if len(word) == 1 and word.isalpha():
        return word.isupper()
    if _DOTTED.fullmatch(word + "."):
        next_word = _NEXT_WORD.match(rest)
        return word[0].isupper() and next_word is not None and next_word.group().lower() not in _STARTERS
    return False
