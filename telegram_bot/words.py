"""The words that operators write behind a command."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import ForPeople
from pipeline.stages.periods import looks_like_period

LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Wish:
    """The words of a /digest, sorted by what each can only be."""

    bot: str | None = None
    period: str | None = None
    limit: int | None = None


def parse_wish(words: str) -> Wish | None:
    """`[bot] [period] [limit]` in any order; None where two words claim the same place."""
    found: dict[str, str] = {}
    for word in words.split():
        is_number = word.removeprefix("-").isdecimal()
        place = "limit" if is_number else "period" if looks_like_period(word) else "bot"
        if place in found:
            return None
        found[place] = word
    limit = int(found["limit"]) if "limit" in found else None
    return Wish(found.get("bot"), found.get("period"), limit)


def parse_run_id(words: str) -> int | None:
    """The number of a run; None where it is no number.

    Raises:
        ForPeople: no run can have such a number.
    """
    if not words.strip().isdecimal():
        return None
    run_id = int(words)
    if run_id > LARGEST_ID:
        raise ForPeople("run.unknown", run=words.strip())
    return run_id
