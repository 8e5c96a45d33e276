"""How far a run's stage has got and how long it may still take."""

from __future__ import annotations

import math
from datetime import datetime

from storage.records import ActionKind, PostStatus, RunProgress, RunState

MIN_ELAPSED_S = 5.0
MIN_SHARE = 0.05


def stage_counts(progress: RunProgress) -> tuple[int, int] | None:
    """Done and in all of the present stage: posts, or readers once it delivers; None where nothing can be counted."""
    if progress.run.state is RunState.CATEGORIZING:
        waiting = progress.count(PostStatus.FRESH)
        done = progress.count(PostStatus.CATEGORIZED, PostStatus.IRRELEVANT, PostStatus.SET_ASIDE)
    elif progress.run.state is RunState.SUMMARIZING:
        waiting = progress.count(PostStatus.CHOSEN)
        done = progress.count(PostStatus.SUMMARIZED)
    elif progress.run.state is RunState.DELIVERING and progress.delivery is not None:
        waiting, done = progress.delivery.waiting, progress.delivery.ended
    else:
        return None
    return done, done + waiting


def eta(done: int, total: int, elapsed_in_stage: float) -> float | None:
    """Seconds left at the pace so far, rounded up to what a person would say.

    None before it means anything (five seconds and a twentieth of the posts) and when all is done.
    """
    if elapsed_in_stage < MIN_ELAPSED_S or done >= total or done < max(1, MIN_SHARE * total):
        return None
    return _said(elapsed_in_stage * (total - done) / done)


def delivery_began(progress: RunProgress) -> datetime:
    """When the first reader could be sent the digest, or will be. An operator's word does not wait for the schedule."""
    run = progress.run
    if run.publish_at is None or any(action.kind is ActionKind.PUBLISH for action in progress.actions):
        return run.stage_started_at
    return max(run.stage_started_at, run.publish_at)


def delivery_rate(progress: RunProgress, now: datetime) -> float | None:
    """Readers a second since the delivery began; None before it means anything."""
    done, _ = _in_this_go(progress)
    seconds = _seconds_sending(progress, now)
    return done / seconds if done and seconds >= MIN_ELAPSED_S else None


def delivery_left_s(progress: RunProgress, now: datetime, messages_per_second: float) -> float | None:
    """Seconds until the last reader has been sent the digest: at the pace so far, before there is one at the pace that
    is permitted. None where nobody waits."""
    done, total = _in_this_go(progress)
    if done >= total:
        return None
    measured = eta(done, total, _seconds_sending(progress, now))
    return measured if measured is not None else _said((total - done) / messages_per_second)


def _in_this_go(progress: RunProgress) -> tuple[int, int]:
    """Readers done and in all, without those who had their digest before the uncertain ones were sent it again."""
    delivery = progress.delivery
    if delivery is None:
        return 0, progress.readers
    again = [
        action
        for action in progress.actions
        if action.kind is ActionKind.RESEND and action.at >= progress.run.stage_started_at
    ]
    total = int(again[-1].details.get("readers", delivery.total)) if again else delivery.total
    return max(0, total - delivery.waiting), total


def _seconds_sending(progress: RunProgress, now: datetime) -> float:
    """Seconds since the delivery began in which no operator held it."""
    began = delivery_began(progress)
    held_s, held_since = 0.0, None
    for action in progress.actions:
        at = max(action.at, began)
        if action.kind is ActionKind.PAUSE_DELIVERY and held_since is None:
            held_since = at
        elif action.kind is ActionKind.RESUME_DELIVERY and held_since is not None:
            held_s += (at - held_since).total_seconds()
            held_since = None
    end = held_since or now
    return max(0.0, (end - began).total_seconds() - held_s)


def _said(seconds: float) -> float:
    """Rounded up to what a person would say."""
    step = 5 if seconds <= 60 else 10 if seconds <= 600 else 60
    return float(math.ceil(seconds / step) * step)
