"""Where the posts of a run went, from all that were seen to those that were given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from storage.records import PostStatus


@dataclass(frozen=True, slots=True)
class Funnel:
    """Numbers of posts, each a part of the one before; `set_aside` are those the model failed on."""

    seen: int
    fresh: int
    distinct: int
    relevant: int
    chosen: int
    given: int
    set_aside: int


def funnel(posts: Mapping[PostStatus, int]) -> Funnel:
    """The funnel of a run from its posts by status. A post that was set aside while it was summarized counts as not
    relevant: its status does not tell when it was."""

    def count(*statuses: PostStatus) -> int:
        return sum(posts.get(status, 0) for status in statuses)

    seen = sum(posts.values())
    fresh = seen - count(PostStatus.GIVEN_BEFORE)
    chosen = count(PostStatus.CHOSEN, PostStatus.SUMMARIZED)
    return Funnel(
        seen=seen,
        fresh=fresh,
        distinct=fresh - count(PostStatus.DUPLICATE),
        relevant=chosen + count(PostStatus.PASSED_OVER),
        chosen=chosen,
        given=count(PostStatus.SUMMARIZED),
        set_aside=count(PostStatus.SET_ASIDE),
    )
