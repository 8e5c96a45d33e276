"""Posts are packed into batches by count and by tokens, and a batch that misbehaves is halved."""

from __future__ import annotations

import pytest

from pipeline.stages.batching import halves, pack


@pytest.mark.parametrize(
    ("sizes", "max_posts", "max_tokens", "batches"),
    [
        ([], 5, 100, []),
        ([10], 5, 100, [(0,)]),
        ([10] * 5, 5, 100, [(0, 1, 2, 3, 4)]),
        ([10] * 6, 5, 100, [(0, 1, 2, 3, 4), (5,)]),
        ([10] * 3, 1, 100, [(0,), (1,), (2,)]),
        ([50, 50, 1], 5, 100, [(0, 1), (2,)]),
        ([60, 50, 40], 5, 100, [(0,), (1, 2)]),
        ([10, 500, 10], 5, 100, [(0,), (1,), (2,)]),
        ([500, 600], 5, 100, [(0,), (1,)]),
        ([500, 0], 5, 100, [(0,), (1,)]),
        ([100], 5, 100, [(0,)]),
    ],
)
def test_batches_keep_the_order_and_both_limits(
    sizes: list[int], max_posts: int, max_tokens: int, batches: list[tuple[int, ...]]
) -> None:
    assert pack(enumerate(sizes), max_posts, max_tokens) == batches


def test_every_post_is_in_exactly_one_batch_and_only_a_post_alone_is_too_large() -> None:
    posts = [(post_id, post_id * 37 % 130) for post_id in range(500)]
    tokens = dict(posts)

    batches = pack(posts, 5, 100)

    assert [post_id for batch in batches for post_id in batch] == list(range(500))
    assert all(len(batch) == 1 or sum(tokens[post_id] for post_id in batch) <= 100 for batch in batches)


def test_posts_that_share_with_nobody_do_not_break_up_the_batches_of_the_others() -> None:
    assert pack([(post_id, 10) for post_id in range(8)], 3, 100, alone={1, 6}) == [(1,), (6,), (0, 2, 3), (4, 5, 7)]


@pytest.mark.parametrize(
    ("batch", "pieces"),
    [
        ((), []),
        ((1,), [(1,)]),
        ((1, 2), [(1,), (2,)]),
        ((1, 2, 3), [(1, 2), (3,)]),
        ((5, 4, 3, 2), [(5, 4), (3, 2)]),
    ],
)
def test_halves_come_down_to_single_posts(batch: tuple[int, ...], pieces: list[tuple[int, ...]]) -> None:
    assert halves(batch) == pieces
