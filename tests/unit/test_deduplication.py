"""Identical visible text counts once, and what readers had is not given again."""

from __future__ import annotations

import pytest

from pipeline.stages.deduplication import first_statuses
from storage.posts import text_hash
from storage.records import Candidate, PostStatus

FRESH, DUPLICATE, GIVEN = PostStatus.FRESH, PostStatus.DUPLICATE, PostStatus.GIVEN_BEFORE


def candidate(post_id: int, text: str, was_given: bool = False) -> Candidate:
    return Candidate(post_id, text_hash(text), was_given)


def test_the_earliest_of_equal_texts_is_kept() -> None:
    posts = [candidate(4, "The bridge is open"), candidate(2, "Snow"), candidate(9, "The bridge is open")]
    assert first_statuses(posts) == {4: FRESH, 2: FRESH, 9: DUPLICATE}


@pytest.mark.parametrize("other", ["the BRIDGE is open", "  The bridge\n\n is open ", "The\u00a0bridge is open"])
def test_texts_that_a_reader_cannot_tell_apart_are_equal(other: str) -> None:
    assert first_statuses([candidate(1, "The bridge is open"), candidate(2, other)]) == {1: FRESH, 2: DUPLICATE}


def test_another_number_is_another_text() -> None:
    assert first_statuses([candidate(1, "Fare: 41"), candidate(2, "Fare: 42")]) == {1: FRESH, 2: FRESH}


def test_what_readers_had_is_not_given_again_nor_is_its_copy() -> None:
    posts = [candidate(1, "Snow", was_given=True), candidate(2, "Snow"), candidate(3, "Rain", was_given=True)]
    assert first_statuses(posts) == {1: GIVEN, 2: DUPLICATE, 3: GIVEN}


def test_no_posts_no_statuses() -> None:
    assert first_statuses([]) == {}
