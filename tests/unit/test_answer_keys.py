"""An answer is kept under all that decides it, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.ports import Brief, PostText
from pipeline.stages.answer_keys import answer_key
from storage.records import Category
from tests.support import NOON

BRIEF = Brief("en", "For people who live here.", (Category("Parks", ("trees",)),))
POST = PostText("p1", "A lime was planted.", "The Wire", NOON)
KEY = answer_key("categorize_posts", "m-1", BRIEF, POST)


def test_the_place_in_the_batch_does_not_matter() -> None:
    assert answer_key("categorize_posts", "m-1", BRIEF, replace(POST, key="p7")) == KEY


@pytest.mark.parametrize(
    "other",
    [
        answer_key("summarize_posts", "m-1", BRIEF, POST),
        answer_key("categorize_posts", "m-2", BRIEF, POST),
        answer_key("categorize_posts", "m-1", replace(BRIEF, prompt="For visitors."), POST),
        answer_key("categorize_posts", "m-1", replace(BRIEF, language="ru"), POST),
        answer_key("categorize_posts", "m-1", replace(BRIEF, categories=(Category("Parks", ("lawns",)),)), POST),
        answer_key("categorize_posts", "m-1", BRIEF, replace(POST, text="A lime was planted")),
        answer_key("categorize_posts", "m-1", BRIEF, replace(POST, channel="The Post")),
        answer_key("categorize_posts", "m-1", BRIEF, replace(POST, published_at=NOON - timedelta(minutes=1))),
    ],
)
def test_everything_that_decides_the_answer_does(other: str) -> None:
    assert other != KEY


def test_a_text_that_is_no_unicode_has_a_key() -> None:
    assert answer_key("categorize_posts", "m-1", BRIEF, replace(POST, text="\ud800"))
