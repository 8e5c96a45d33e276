"""Which posts share a model call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence


def pack(
    posts: Iterable[tuple[int, int]], max_posts: int, max_tokens: int, alone: Collection[int] = ()
) -> list[tuple[int, ...]]:
    """Batches of post ids, in the given order.

    Args:
        posts: (post id, tokens) pairs.
        max_posts: posts in a batch, at least 1.
        max_tokens: tokens of a batch; a post that costs more is a batch of its own.
        alone: ids of posts that share no model call with others; they come first.
    """
    posts = list(posts)
    batches: list[tuple[int, ...]] = [(post_id,) for post_id, _ in posts if post_id in alone]
    batch: list[int] = []
    batch_tokens = 0
    for post_id, tokens in posts:
        if post_id in alone:
            continue
        if batch and (len(batch) >= max_posts or batch_tokens + tokens > max_tokens):
            batches.append(tuple(batch))
            batch, batch_tokens = [], 0
        batch.append(post_id)
        batch_tokens += tokens
    if batch:
        batches.append(tuple(batch))
    return batches


def halves(post_ids: Sequence[int]) -> list[tuple[int, ...]]:
    """The two halves of a batch, the first never the smaller; a single post is one piece, no post is none."""
    middle = (len(post_ids) + 1) // 2
    return [tuple(piece) for piece in (post_ids[:middle], post_ids[middle:]) if piece]
