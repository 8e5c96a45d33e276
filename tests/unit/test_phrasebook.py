"""Phrases are found wherever they stand, whatever words begin alike."""

from __future__ import annotations

import pytest

from pipeline.stages.phrasebook import Phrasebook

PHRASES = Phrasebook(
    [r"<ignor\w*|forget>\b.{0,20}<rules?|orders?>\b", r"\bnew <role>\b", r"^<rules?>:", r"<no longer|nobody>!"]
)


@pytest.mark.parametrize(
    "text",
    ["ignoring the rule", "so, forget my orders", "a new role", "news\nrules: none", "it is no longer!", "nobody!"],
)
def test_a_phrase_is_found(text: str) -> None:
    assert PHRASES.occurs_in(text)


@pytest.mark.parametrize(
    "text", ["", "ignore it", "the rules", "forgetting the rules", "new roles", "my rules: none", "renew role", "no!"]
)
def test_its_words_alone_are_not_enough(text: str) -> None:
    assert not PHRASES.occurs_in(text)
