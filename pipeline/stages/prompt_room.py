"""How much of a prompt is left for posts where a provider was seen to read less than it was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.ports import Brief, PostText
from pipeline.stages.batching import pack
from pipeline.stages.prompting import post_tokens, prompt_frame_tokens
from pipeline.stages.tokens import MAX_POST_TOKENS, clip_to_tokens
from storage.records import WorkKind

LEAST_POST_TOKENS = 100
ANSWER_TOKENS = {WorkKind.CATEGORIZE: 60, WorkKind.SUMMARIZE: 180}


@dataclass(frozen=True, slots=True)
class Room:
    """`frame` tokens are the prompt's without posts; `posts` are those left for them, None: as many as one likes."""

    frame: int
    posts: int | None = None

    @classmethod
    def of(cls, brief: Brief, most_prompt_tokens: int | None) -> Room:
        frame = prompt_frame_tokens(brief)
        return cls(frame, None if most_prompt_tokens is None else max(most_prompt_tokens - frame, LEAST_POST_TOKENS))

    def pieces(self, texts: Sequence[tuple[int, str]]) -> list[tuple[int, ...]]:
        """The posts, by id, as batches that are read whole."""
        if self.posts is None:
            return [tuple(post_id for post_id, _ in texts)]
        return pack([(post_id, post_tokens(text)) for post_id, text in texts], len(texts), self.posts)

    def prompt_tokens(self, posts: Sequence[PostText]) -> int:
        return self.frame + sum(post_tokens(post.text) for post in posts)


def fitted(post: PostText, room: Room) -> PostText:
    """The post, or as much of its beginning as is read."""
    if room.posts is None or room.posts >= MAX_POST_TOKENS:
        return post
    return replace(post, text=clip_to_tokens(post.text, room.posts))


def answer_tokens(kind: WorkKind, posts: int) -> int:
    """What a model writes about so many posts, rather too much than too little."""
    return ANSWER_TOKENS[kind] * posts
