"""What becomes of a digest that too few posts were chosen for."""

from __future__ import annotations

from storage.records import QuietDay


def quiet_day(chosen: int, least: int, wish: QuietDay) -> QuietDay | None:
    """What is done about so few posts, where a digest needs `least`; None: they are enough. None at all cannot be
    made a short digest."""
    if chosen >= least:
        return None
    return QuietDay.SKIP if wish is QuietDay.SHORTEN and chosen == 0 else wish


def is_fault(chosen: int, set_aside: int, least: int) -> bool:
    """Whether there may be too few only because the model failed on so many: then it is no quiet day."""
    return chosen < least <= chosen + set_aside
