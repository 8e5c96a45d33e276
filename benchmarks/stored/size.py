"""How large a desk is that has run for so many days: each has as many posts and runs as any other."""

from __future__ import annotations

from dataclasses import dataclass

SOURCES = 20
BOTS = 4
SOURCES_OF_A_BOT = SOURCES // BOTS
POSTS_A_DAY = 40  # of a source
POSTS_OF_A_RUN = SOURCES_OF_A_BOT * POSTS_A_DAY
POSTS_A_CALL = 5
IN_A_DIGEST = 15
READERS = 50  # of a public bot


@dataclass(frozen=True)
class Size:
    """Each public bot makes a run a day; of the last day none was made yet."""

    days: int

    @classmethod
    def of_posts(cls, number: int) -> Size:
        return cls(number // (SOURCES * POSTS_A_DAY))

    @property
    def posts(self) -> int:
        return self.days * SOURCES * POSTS_A_DAY

    @property
    def runs(self) -> int:
        return (self.days - 1) * BOTS

    @property
    def run_posts(self) -> int:
        """And of kept answers."""
        return self.runs * POSTS_OF_A_RUN

    @property
    def model_calls(self) -> int:
        """And of pieces of work."""
        return self.runs * (POSTS_OF_A_RUN + IN_A_DIGEST) // POSTS_A_CALL

    @property
    def deliveries(self) -> int:
        return self.runs * READERS
