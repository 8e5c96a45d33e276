"""Whether a post speaks to a model instead of to people.

A guess, made on the safe side: such a post is asked about alone, so that a model which obeys it harms nobody else. Who
is taken for one without being one loses nothing but the company of others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from pipeline.stages import folding, order_phrases, order_words
from pipeline.stages.delimiters import without_delimiters
from pipeline.stages.phrasebook import Phrasebook
from pipeline.stages.plain_text import printable
from pipeline.stages.tokens import MAX_POST_TOKENS, clip_to_tokens

_ADDRESS = re.compile(r"\b(?=[a-z])(?:www\.|t\.me/|[a-z][a-z0-9+.-]{0,20}://)\S+", re.IGNORECASE)
_BLOB = re.compile(r"[\w+/-]{48,}+={0,2}", re.ASCII)
_BYTES = re.compile(r"[0-9a-f]{2}(?<!\w..)\b[\s:,]{0,3}(?:\b[0-9a-f]{2}\b[\s:,]{0,3}){23,}", re.ASCII)
_TEMPLATE = re.compile(r"<(?:\|[a-z_]+\|>|/?s>|</?sys>>|/?(?:system|assistant|user|instructions?|prompt)>)|\[/?inst\]")
_CHINESE = re.compile(r"(?:忽略|無視|无视|忘记).{0,12}(?:指示|指令|说明|命令|规则)")
_QUOTED_KEY = re.compile(r"[\"'](?:role|p\d{1,2}|category|importance|headline)[\"']\s*:")
_KEY = re.compile(r"[pр](?<![\w.].) ?\d{1,2}(?![\w%])")
_ASKED_FOR = re.compile(
    r"categor|importance|headline|summar|json|\bkeys?\b|\bposts?\b|verdict|\banswer"
    r"|категори|важност|заголов|сводк|пересказ|ключ|\bпост\w{0,3}\b|\bответ"
)

_SENTENCE = re.compile(r"[^.!?\n;]+")
_CLAUSE = re.compile(r"[^.!?\n;,:()—–]+")
_SHORT_CHARS, _LONG_CHARS = 100, 400
_WORDS_BEFORE_AN_IMPERATIVE = 2
_KINDS_IN_A_SENTENCE = 3


_ENGLISH, _RUSSIAN = Phrasebook(order_phrases.ENGLISH), Phrasebook(order_phrases.RUSSIAN)
_ENGLISH_WORDS, _RUSSIAN_WORDS = (tuple(map(re.compile, kinds)) for kinds in (order_words.ENGLISH, order_words.RUSSIAN))


@lru_cache(maxsize=1024)
def speaks_to_models(text: str) -> bool:
    """Whether something in the text reads like an order to a model, like a part of a prompt or of an answer, or like a
    message that only a machine would read. Russian and English, in whatever look-alike letters.

    Of a long text only the beginning counts, which is all that a model is shown.
    """
    plain = clip_to_tokens(printable(text).strip(), MAX_POST_TOKENS)
    if without_delimiters(plain) != plain:
        return True
    words = _ADDRESS.sub(" ", plain)
    latin, cyrillic = folding.latin(words), folding.cyrillic(words)
    return (
        any(map(_is_encoded, _BLOB.findall(words) + _BYTES.findall(words)))
        or _TEMPLATE.search(latin) is not None
        or _QUOTED_KEY.search(latin) is not None
        or _CHINESE.search(latin) is not None
        or _ENGLISH.occurs_in(latin)
        or _RUSSIAN.occurs_in(cyrillic)
        or (_KEY.search(latin) is not None and (_ASKED_FOR.search(latin) or _ASKED_FOR.search(cyrillic)) is not None)
        or _commands(latin, _ENGLISH_WORDS)
        or _commands(cyrillic, _RUSSIAN_WORDS)
    )


def _is_encoded(blob: str) -> bool:
    return any(char.isdigit() for char in blob) and any(char.islower() for char in blob)


def _commands(text: str, kinds: Sequence[re.Pattern[str]]) -> bool:
    """Whether a sentence holds three kinds of words, or a short clause begins with what to do and holds one more."""
    what_to_do, *others = kinds
    if what_to_do.search(text) is None and not all(kind.search(text) for kind in others):
        return False
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
