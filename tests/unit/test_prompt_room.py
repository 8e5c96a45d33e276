"""How much of a prompt is left for posts."""

from __future__ import annotations

from dataclasses import replace

from pipeline.ports import Brief, PostText
from pipeline.stages.prompt_room import LEAST_POST_TOKENS, Room, fitted
from pipeline.stages.prompting import prompt_frame_tokens, summarization_prompt
from pipeline.stages.tokens import estimate_tokens
from tests.support import NOON

BRIEF = Brief("en", "Plain words.")
WORDS = "a tram was repaired on the line to the park " * 40
POST = PostText("p1", WORDS, "The Wire", NOON)


def test_a_provider_that_reads_everything_sets_no_bound() -> None:
    room = Room.of(BRIEF, None)
    assert room.posts is None
    assert room.pieces([(1, WORDS), (2, WORDS)]) == [(1, 2)]
    assert fitted(POST, room) == POST


def test_batches_get_as_small_as_the_provider_needs_them() -> None:
    frame = prompt_frame_tokens(BRIEF)
    room = Room.of(BRIEF, frame + 2 * (estimate_tokens(WORDS) + 60))
    assert room.pieces([(one, WORDS) for one in range(5)]) == [(0, 1), (2, 3), (4,)]


def test_a_post_that_is_too_long_alone_is_shown_as_far_as_it_is_read() -> None:
    room = Room.of(BRIEF, 0)
    assert room.posts == LEAST_POST_TOKENS
    shown = fitted(POST, room)
    assert WORDS.startswith(shown.text)
    assert 0 < estimate_tokens(shown.text) <= LEAST_POST_TOKENS
    assert fitted(replace(POST, text="short"), room).text == "short"


def test_the_estimate_is_that_of_the_prompt() -> None:
    posts = [POST, replace(POST, key="p2")]
    estimated = Room.of(BRIEF, None).prompt_tokens(posts)
    assert 0.95 < estimated / summarization_prompt(BRIEF, posts).tokens < 1.15
