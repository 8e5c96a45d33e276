"""Whether a post speaks to a model instead of to people.

A guess, made on the safe side: such a post is asked about alone, so that a model which obeys it harms nobody else. Who
is taken for one without being one loses nothing but the company of others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.stages import folding, order_phrases, order_words
from pipeline.stages.delimiters import without_delimiters
from pipeline.stages.plain_text import printable

_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{0,20}://\S+|\bwww\.\S+|\bt\.me/\S+", re.IGNORECASE)
_BLOB = re.compile(r"(?<![\w+/-])[\w+/-]{48,}={0,2}|(?:\b[0-9a-f]{2}\b[\s:,]{0,3}){24,}", re.ASCII)
_TEMPLATE = re.compile(
    r"<\|[a-z_]+\|>|</?s>|\[/?inst\]|<</?sys>>|^#{1,4} ?(?:instructions?|response|system|assistant)\b"
    r"|^\W{0,10}(?:system|assistant|developer|admin)(?: \w+)?\W{0,5}:|</?(?:system|assistant|user|instructions?"
    r"|prompt)>"
    r"|[\"'](?:role|p\d{1,2}|category|importance|headline)[\"']\s*:|\bpost id\b|\bmeta of\b|\b(?:begin|end) of post",
    re.MULTILINE,
)
_KEY = re.compile(r"(?<![\w.])[pр] ?\d{1,2}(?![\w%])")
_ASKED_FOR = re.compile(
    r"categor|importance|headline|summar|json|\bkeys?\b|\bposts?\b|verdict|\banswer"
    r"|категори|важност|заголов|сводк|пересказ|ключ|\bпост\w{0,3}\b|\bответ"
)

_SENTENCE = re.compile(r"[^.!?\n;]+")
_CLAUSE = re.compile(r"[^.!?\n;,:()—–]+")
_SHORT_CHARS, _LONG_CHARS = 100, 400
_WORDS_BEFORE_AN_IMPERATIVE = 2
_KINDS_IN_A_SENTENCE = 3


def _any_of(phrases: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{phrase})" for phrase in phrases), re.MULTILINE)


_ENGLISH, _RUSSIAN = _any_of(order_phrases.ENGLISH), _any_of(order_phrases.RUSSIAN)
_ENGLISH_WORDS, _RUSSIAN_WORDS = (tuple(map(re.compile, kinds)) for kinds in (order_words.ENGLISH, order_words.RUSSIAN))


def speaks_to_models(text: str) -> bool:
    """Whether something in the text reads like an order to a model, like a part of a prompt or of an answer, or like a
    message that only a machine would read. Russian and English, in whatever look-alike letters."""
    plain = printable(text)
    if without_delimiters(plain) != plain:
        return True
    words = _ADDRESS.sub(" ", plain)
    latin, cyrillic = folding.latin(words), folding.cyrillic(words)
    return (
        any(map(_is_encoded, _BLOB.findall(words)))
        or _TEMPLATE.search(latin) is not None
        or _ENGLISH.search(latin) is not None
        or _RUSSIAN.search(cyrillic) is not None
        or (_KEY.search(latin) is not None and (_ASKED_FOR.search(latin) or _ASKED_FOR.search(cyrillic)) is not None)
        or _commands(latin, _ENGLISH_WORDS)
        or _commands(cyrillic, _RUSSIAN_WORDS)
    )


def _is_encoded(blob: str) -> bool:
    return any(char.isdigit() for char in blob) and any(char.islower() for char in blob)


def _commands(text: str, kinds: Sequence[re.Pattern[str]]) -> bool:
    """Whether a sentence holds three kinds of words, or a short clause begins with what to do and holds one more."""
    return any(
        sum(kind.search(sentence) is not None for kind in kinds) >= _KINDS_IN_A_SENTENCE
        for sentence in _SENTENCE.findall(text)
        if len(sentence) <= _LONG_CHARS
    ) or any(_is_imperative(clause, kinds) for clause in _CLAUSE.findall(text) if len(clause) <= _SHORT_CHARS)


def _is_imperative(clause: str, kinds: Sequence[re.Pattern[str]]) -> bool:
    what_to_do, *others = kinds
    match = what_to_do.search(clause)
    if match is None or len(re.findall(r"\w+", clause[: match.start()])) > _WORDS_BEFORE_AN_IMPERATIVE:
        return False
    return any(kind.search(clause) for kind in others)
