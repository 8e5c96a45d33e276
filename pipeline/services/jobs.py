"""What kinds of model work there are made of, and a batch of one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.ports import Answer, Brief, Model, PostText
from pipeline.stages.answer_keys import answer_key
from pipeline.stages.prompt_room import Room
from storage.records import Post, PostStatus, Wishes, WorkKind

T = TypeVar("T")


@dataclass(frozen=True)
class Checked(Generic[T]):
    """A model's answer by post id, after our own checks: good items, missing or malformed ones, doubtful ones.

    `ours` are the good ones that are not the model's.
    """

    good: Mapping[int, T] = field(default_factory=dict)
    problems: Mapping[int, str] = field(default_factory=dict)
    doubtful: Mapping[int, str] = field(default_factory=dict)
    ours: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Job(Generic[T]):
    """A kind of model work. `check(answer, posts by key, is_last_try)` judges the items, `save` stores good ones, and
    `item` makes one of its fields."""

    kind: WorkKind
    waiting: PostStatus
    item: Callable[..., T]
    brief: Callable[[Wishes], Brief]
    call: Callable[[Model, Brief, Sequence[PostText]], Awaitable[Answer[T]]]
    check: Callable[[Answer[T], Mapping[str, Post], bool], Checked[T]]
    save: Callable[[AsyncSession, int, Mapping[int, T]], Awaitable[None]]

    def key(self, model: Model, brief: Brief, post: Post) -> str:
        """Under what the answer about this post is kept."""
        return answer_key(self.kind, model.name, brief, post_text("", post))


@dataclass(frozen=True)
class Batch(Generic[T]):
    """The posts of a piece of work that still wait, those of them whose answer is `known`, how much of a prompt the
    provider reads, and which models were blocked."""

    brief: Brief
    posts: Mapping[int, Post]
    known: Mapping[int, T]
    room: Room
    blocked_models: frozenset[str]

    @property
    def unknown(self) -> Mapping[str, Post]:
        """What is to be asked, by key."""
        left = [post for post_id, post in self.posts.items() if post_id not in self.known]
        return {f"p{number}": post for number, post in enumerate(left, 1)}


def post_text(key: str, post: Post) -> PostText:
    return PostText(key=key, text=post.text, channel=post.source_title, published_at=post.published_at)
