"""Choosing the posts of a digest: the important ones first, spread over the categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from storage.records import Judged

LEAST_IMPORTANCE = 2
CROWDING_PENALTY = 0.5


def is_relevant(post: Judged, categories: Sequence[str]) -> bool:
    """Whether a post fits one of the bot's categories and is worth a reader's time at all."""
    return post.verdict.category in categories and post.verdict.importance >= LEAST_IMPORTANCE


def choose(posts: Sequence[Judged], categories: Sequence[str], limit: int) -> list[int]:
    """Ids of at most `limit` posts, best first.

    Each post already chosen from a category takes half a step of importance off the next one of that category, so that
    a day with ten great sports posts still has room for the rest. Ties go to the later post, then to the lower id, so
    that the same verdicts always give the same choice.
    """
    waiting = sorted(
        (post for post in posts if is_relevant(post, categories)),
        key=lambda post: (-post.verdict.importance, -post.published_at.timestamp(), post.post_id),
    )
    queues = {category: [post for post in waiting if post.verdict.category == category] for category in categories}
    taken: Counter[str] = Counter()
    chosen: list[int] = []
    while len(chosen) < limit and any(queues.values()):
        best = max(
            (category for category in categories if queues[category]),
            key=lambda category: (
                queues[category][0].verdict.importance - CROWDING_PENALTY * taken[category],
                queues[category][0].published_at,
                -queues[category][0].post_id,
            ),
        )
        chosen.append(queues[best].pop(0).post_id)
        taken[best] += 1
    return chosen
