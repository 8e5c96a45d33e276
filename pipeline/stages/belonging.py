"""Whether a summary is about its own post or plainly about another text.

By the words that only one of the texts has. A translation shares words with none of them, so nothing is said of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

_WORD = re.compile(r"[^\W\d_]{4,}|\d{2,}")
_STEM_CHARS = 6  # of a Russian or an English word, so that its endings do not matter
_OWN_AT_MOST = 0.2
_OTHERS_AT_LEAST = 0.4
_LEAST_SHARED = 3


def is_of_another(summary: str, own: str, others: Sequence[str]) -> bool:
    """Whether `summary` shares two fifths of its telling words with one of `others` and next to none with `own`."""
    texts = [_stems(own), *map(_stems, others)]
    spread = Counter(stem for text in texts for stem in text)
    telling = {stem for stem in _stems(summary) if spread[stem] <= 1}
    if not telling:
        return False
    shared = [len(telling & text) for text in texts]
    most = max(shared[1:], default=0)
    return (
        most >= _LEAST_SHARED and most >= _OTHERS_AT_LEAST * len(telling) and shared[0] <= _OWN_AT_MOST * len(telling)
    )


@lru_cache(maxsize=64)  # a batch has each of its texts compared with all of its summaries
def _stems(text: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in _words(text))


def _words(text: str) -> Iterable[str]:
    return _WORD.findall(text.lower())


def _stem(word: str) -> str:
    return word[: min(_STEM_CHARS, max(4, len(word) - 2))]
