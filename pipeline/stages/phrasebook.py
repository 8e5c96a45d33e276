"""Many phrases looked for in one text, of which only those are tried whose words are there.

A phrase is a regular expression with words between < and >, as in "<ignore|forget\\w*> .{0,40}<rules?>", at least once.
Each of them begins with letters, at the beginning of a word, and the phrase matches nowhere without one out of every
pair of brackets. So a text is read once for the beginnings of all these words, and hardly ever for a phrase.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

_WORDS = re.compile(r"<([^>]*)>")
_LETTERS = re.compile(r"\w+(?![?*{])")


class Phrasebook:
    """Phrases that are looked for together."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._patterns = [re.compile(_expression(phrase), re.MULTILINE) for phrase in phrases]
        self._needs = [_needs(phrase) for phrase in phrases]
        self._beginnings = _Beginnings(word for needs in self._needs for words in needs for word in words)
        self._first_needing: dict[str, set[int]] = {}
        for place, needs in enumerate(self._needs):
            for word in needs[0]:
                self._first_needing.setdefault(word, set()).add(place)

    def occurs_in(self, text: str) -> bool:
        """Whether one of the phrases stands somewhere in the text."""
        found = self._beginnings.found_in(text)
        return any(
            self._patterns[place].search(text) is not None
            for place in set[int]().union(*(self._first_needing.get(word, ()) for word in found))
            if not any(map(found.isdisjoint, self._needs[place]))
        )


class _Beginnings:
    """Beginnings of words that are looked for together."""

    def __init__(self, beginnings: Iterable[str]) -> None:
        known = sorted(set(beginnings))
        self._pattern = re.compile(rf"\b{_any_of(known)}")
        self._within = {longest: frozenset(filter(longest.startswith, known)) for longest in known}

    def found_in(self, text: str) -> frozenset[str]:
        """Those with which a word of the text begins."""
        return frozenset[str]().union(*map(self._within.__getitem__, set(self._pattern.findall(text))))


def _beginnings(words: str) -> Iterator[str]:
    r"""The letters with which each of the words begins, such as "posts?|stor\w+", which hold no other "|"."""
    return (match.group() for match in map(_LETTERS.match, words.split("|")) if match)


def _expression(phrase: str) -> str:
    return _WORDS.sub(r"\\b(?:\1)", phrase)


def _needs(phrase: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(_beginnings(words)) for words in _WORDS.findall(phrase))


def _any_of(words: Collection[str]) -> str:
    """An expression for the longest of the words that stands somewhere; it compares each letter only once."""
    branches: dict[str, list[str]] = {}
    for word in filter(None, words):
        branches.setdefault(word[0], []).append(word[1:])
    if not branches:
        return ""
    expression = "|".join(re.escape(letter) + _any_of(rests) for letter, rests in branches.items())
    return f"(?:{expression})" + ("?" if "" in words else "")
