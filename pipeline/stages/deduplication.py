"""Identical visible text counts once."""

from __future__ import annotations

from collections.abc import Sequence

from storage.records import Candidate, PostStatus


def first_statuses(candidates: Sequence[Candidate]) -> dict[int, PostStatus]:
    """The status each post of a period starts with, given them oldest first: the earliest of equal texts is kept."""
    seen: set[str] = set()
    statuses: dict[int, PostStatus] = {}
    for candidate in candidates:
        if candidate.was_given:
            statuses[candidate.id] = PostStatus.GIVEN_BEFORE
        elif candidate.text_hash in seen:
            statuses[candidate.id] = PostStatus.DUPLICATE
        else:
            statuses[candidate.id] = PostStatus.FRESH
        seen.add(candidate.text_hash)
    return statuses
