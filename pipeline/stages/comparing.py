"""Two digests of the same posts side by side: what both chose, what only one did, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storage.records import PostStatus

NOT_STORED = "not_stored"
NOT_IN_PERIOD = "not_in_period"


@dataclass(frozen=True, slots=True)
class TheirPost:
    """A post of the old digest; `post_id` is None where we do not have it."""

    name: str
    category: str | None
    post_id: int | None


@dataclass(frozen=True, slots=True)
class OurPost:
    """A post of our run with what became of it."""

    post_id: int
    name: str
    status: PostStatus
    category: str | None = None
    importance: int | None = None
    reason: str | None = None
    text_hash: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A post in one digest or in both; `why` it is not in ours is a status, or that we do not have it."""

    name: str
    their_category: str | None
    our_category: str | None
    why: str | None = None
    importance: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`same_category` and `other_category` count the common posts to which the old digest gave a category."""

    run_id: int
    both: Sequence[Line]
    only_old: Sequence[Line]
    only_new: Sequence[Line]

    @property
    def old_size(self) -> int:
        return len(self.both) + len(self.only_old)

    @property
    def new_size(self) -> int:
        return len(self.both) + len(self.only_new)

    @property
    def overlap(self) -> float:
        """Common posts as a share of all that are in either digest."""
        total = len(self.both) + len(self.only_old) + len(self.only_new)
        return len(self.both) / total if total else 1.0

    @property
    def same_category(self) -> int:
        return sum(
            _folded(line.their_category) == _folded(line.our_category) for line in self.both if line.their_category
        )

    @property
    def other_category(self) -> int:
        return sum(line.their_category is not None for line in self.both) - self.same_category

    @property
    def reasons(self) -> Mapping[str, int]:
        """Why posts of the old digest are not in ours, the most frequent first."""
        return dict(Counter(line.why for line in self.only_old if line.why).most_common())


def compare(run_id: int, theirs: Sequence[TheirPost], ours: Sequence[OurPost]) -> Comparison:
    """A post counts once in each digest; another post with the same text is the same post."""
    by_id = {post.post_id: post for post in ours}
    chosen = {post.text_hash or str(post.post_id): post for post in ours if post.status is PostStatus.SUMMARIZED}
    both: dict[int, Line] = {}
    only_old: dict[str, Line] = {}
    for post in theirs:
        mine = by_id.get(post.post_id) if post.post_id is not None else None
        picked = chosen.get(mine.text_hash or str(mine.post_id)) if mine else None
        if picked is not None:
            both.setdefault(picked.post_id, Line(picked.name, post.category, picked.category))
        else:
            only_old.setdefault(post.name, _missing(post, mine))
    only_new = [
        Line(post.name, None, post.category, importance=post.importance, reason=post.reason)
        for post in chosen.values()
        if post.post_id not in both
    ]
    return Comparison(run_id, list(both.values()), list(only_old.values()), only_new)


def _missing(post: TheirPost, mine: OurPost | None) -> Line:
    if mine is None:
        why = NOT_STORED if post.post_id is None else NOT_IN_PERIOD
        return Line(post.name, post.category, None, why)
    return Line(post.name, post.category, mine.category, mine.status, mine.importance, mine.reason)


def _folded(category: str | None) -> str:
    return " ".join((category or "").casefold().split())


def as_object(comparison: Comparison) -> Mapping[str, object]:
    """The whole comparison as JSON has it."""

    def lines(found: Sequence[Line]) -> list[dict[str, object]]:
        return [
            {
                "post": line.name,
                "old_category": line.their_category,
                "new_category": line.our_category,
                "why": line.why,
                "importance": line.importance,
                "reason": line.reason,
            }
            for line in found
        ]

    return {
        "run_id": comparison.run_id,
        "old_size": comparison.old_size,
        "new_size": comparison.new_size,
        "overlap": round(comparison.overlap, 3),
        "same_category": comparison.same_category,
        "other_category": comparison.other_category,
        "why_only_old": comparison.reasons,
        "both": lines(comparison.both),
        "only_old": lines(comparison.only_old),
        "only_new": lines(comparison.only_new),
    }
