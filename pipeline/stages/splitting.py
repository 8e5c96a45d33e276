"""What becomes of a batch whose answer was not good for every post (rule 3 of ARCHITECTURE.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.stages.batching import halves

FAILURES_ALONE = 2
CRASHES_ALONE = 2


@dataclass(frozen=True, slots=True)
class NextSteps:
    """`smaller` batches to ask for, `alone` posts to ask once more by themselves, `set_aside` with reasons, or `again`:
    this single post's work is to be asked once more."""

    smaller: tuple[tuple[int, ...], ...] = ()
    alone: tuple[int, ...] = ()
    set_aside: Mapping[int, str] | None = None
    again: bool = False


def after_answer(
    batch: Sequence[int], problems: Mapping[int, str], doubtful: Mapping[int, str], failures: int
) -> NextSteps:
    """What to do about the posts of a batch that got no good answer.

    Args:
        problems: missing, malformed, truncated or refused, by post id.
        doubtful: answered, but the answer says what its post does not.
        failures: how often this work was answered badly before.
    """
    if len(batch) > 1:
        return NextSteps(smaller=tuple(halves([one for one in batch if one in problems])), alone=tuple(doubtful))
    reasons = {**problems, **doubtful}
    if not reasons:
        return NextSteps()
    if failures + 1 >= FAILURES_ALONE:
        return NextSteps(set_aside=reasons)
    return NextSteps(again=True)


def after_crash(batch: Sequence[int], crashes: int, why: str) -> NextSteps:
    """What to do about a batch whose process died, or whose doing failed as `why` says.

    It is tried post by post, and a post that was alone twice is set aside.
    """
    if len(batch) > 1:
        return NextSteps(smaller=tuple((one,) for one in batch))
    if crashes + 1 > CRASHES_ALONE:
        return NextSteps(set_aside=dict.fromkeys(batch, f"its processing failed again and again: {why}"))
    return NextSteps(again=True)
