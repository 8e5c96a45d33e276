"""How far a run's stage has got and how long it may still take."""

from __future__ import annotations

import math

from storage.records import PostStatus, RunProgress, RunState

MIN_ELAPSED_S = 5.0
MIN_SHARE = 0.05


def stage_counts(progress: RunProgress) -> tuple[int, int] | None:
    """Posts done and posts in all of the present stage; None where the stage does not go post by post."""
    if progress.run.state is RunState.CATEGORIZING:
        waiting = progress.count(PostStatus.FRESH)
        done = progress.count(PostStatus.CATEGORIZED, PostStatus.IRRELEVANT, PostStatus.SET_ASIDE)
    elif progress.run.state is RunState.SUMMARIZING:
        waiting = progress.count(PostStatus.CHOSEN)
        done = progress.count(PostStatus.SUMMARIZED)
    else:
        return None
    return done, done + waiting


def eta(done: int, total: int, elapsed_in_stage: float) -> float | None:
    """Seconds left at the pace so far, rounded up to what a person would say.

    None before it means anything (five seconds and a twentieth of the posts) and when all is done.
    """
    if elapsed_in_stage < MIN_ELAPSED_S or done >= total or done < max(1, MIN_SHARE * total):
        return None
    left = elapsed_in_stage * (total - done) / done
    step = 5 if left <= 60 else 10 if left <= 600 else 60
    return float(math.ceil(left / step) * step)
