"""What each piece of work may ask: the numbers that the tests of this folder hold it to, exactly.

A number is raised only with a reason, which belongs into the commit; one that has become too high is lowered at once,
so that nobody spends unseen what was saved. What a piece asks, statement by statement, is in the test's message;
`python -m tests.counting` shows it as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction


@dataclass(frozen=True)
class Asks:
    """Statements, reading transactions, and writing ones, which are commits; `locks` are further statements that only
    PostgreSQL needs."""

    statements: int | Fraction
    reads: int | Fraction
    writes: int | Fraction
    locks: int = 0

    def __str__(self) -> str:
        return f"{self.statements} statements, {self.reads} reading and {self.writes} writing transactions"

    def __sub__(self, other: Asks) -> Asks:
        return Asks(self.statements - other.statements, self.reads - other.reads, self.writes - other.writes)

    def __truediv__(self, number: int) -> Asks:
        return Asks(Fraction(self.statements) / number, Fraction(self.reads) / number, Fraction(self.writes) / number)


def allowed(name: str, backend: str) -> Asks:
    """What this piece may ask of this kind of database."""
    asks = DATABASE[name]
    if backend == "sqlite":
        return replace(asks, locks=0)
    return Asks(0, 0, 0) if name in OF_SQLITE_ALONE else replace(asks, statements=asks.statements + asks.locks, locks=0)


def hold(name: str, asked: Asks, may_ask: Asks, words: str) -> None:
    """Fail unless as much is asked as the budget allows; say what was asked."""
    more = asked - may_ask
    is_less = max(more.statements, more.reads, more.writes) <= 0
    advice = "lower its line in budget.py" if is_less else "its line in budget.py is raised only with a reason"
    assert asked == may_ask, f"{name}: {asked}; the budget says {may_ask}: {advice}. This was asked:\n{words}"


DATABASE: Mapping[str, Asks] = {
    # a run's work; batches are of five posts, and how many posts there are does not matter
    "process_bot_digest": Asks(24, 4, 4, locks=1),
    "categorize_posts": Asks(11, 1, 2),
    "categorize_posts, the last": Asks(31, 4, 4),
    "summarize_posts": Asks(11, 1, 2),
    "summarize_posts, the last": Asks(22, 3, 3),
    "assemble_digest": Asks(23, 3, 3, locks=1),
    "deliver_digest, who gets it": Asks(20, 3, 2),
    "deliver_digest, a wave of five": Asks(6, 1, 2),
    "advance, nothing to do": Asks(2, 1, 0),
    # a worker's background
    "beat": Asks(1, 0, 1),
    "renew": Asks(1, 0, 1),
    "tick": Asks(10, 6, 1),
    "tick, while a run goes on": Asks(12, 7, 1),
    "tidy": Asks(3, 1, 1),
    "look for other machines": Asks(2, 1, 0),
    "look for another schema": Asks(1, 1, 0),
    # the bot's, besides
    "look at the cards": Asks(9, 1, 0),
    "look at the cards, one of them followed": Asks(12, 3, 0),
    "look for faults to tell": Asks(1, 1, 0),
    "look for chats that offer themselves": Asks(1, 1, 0),
    "look after public bots": Asks(2, 1, 0),
}
OF_SQLITE_ALONE = {"look for other machines"}

COMMITS_OF_A_POST = Fraction(2, 5)  # one to claim its batch of five and one to save what came of it

# Exchanges with the thread of an SQLite connection.
TURNS_OF_A_BATCH = 2

# Round trips to Redis of `categorize_posts`, from its message to its end; what the clock does is not among them. What
# is rung for after a commit is rung for in one trip.
REDIS_TRIPS_OF_A_BATCH: Mapping[str, int] = {
    "BRPOP, with a message": 1,
    "EVALSHA digest:model:*:log": 1,
    "EVALSHA digest:model:*:tokens": 1,
}
EVENTS_OF_A_TASK = {"task-received": 1, "task-started": 1, "task-succeeded": 1}  # those of one moment share a trip
REDIS_TRIPS_OF_RINGING = {"LPUSH categorize": 1}
REDIS_TRIPS_OF_A_CALL = {"EVALSHA digest:model:*:log": 1, "EVALSHA digest:model:*:tokens": 1}
REDIS_TRIPS_OF_A_WAVE = {"EVALSHA digest:rate:*": 1, "PTTL digest:pause:*": 1}
