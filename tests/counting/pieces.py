"""Everything of the budget that asks the database, brought about once in an empty one, and what it asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from storage.database import Database
from storage.records import WorkKind
from tests.counting.budget import Asks
from tests.counting.idle import count_bot, count_worker
from tests.counting.statements import Count
from tests.counting.watched_run import WatchedRun

FEW_POSTS, MORE_POSTS, MANY_POSTS = 15, 25, 400
FEW_READERS, MORE_READERS = 5, 15


@dataclass(frozen=True)
class Piece:
    """What a piece of work has asked: in numbers, and in words."""

    asks: Asks
    words: str


@dataclass(frozen=True)
class Counted:
    """`pieces` by the budget's names, and the runs over few, more and many posts; the last one was only planned."""

    pieces: Mapping[str, Piece]
    few: WatchedRun
    more: WatchedRun
    many: WatchedRun


async def count_everything(database: Database) -> Counted:
    idle = {**await count_worker(database, "for-workers"), **await count_bot(database, "for-bots")}
    few = WatchedRun(database, posts=FEW_POSTS, readers=FEW_READERS)
    more = WatchedRun(database, posts=MORE_POSTS, readers=MORE_READERS)
    many = WatchedRun(database, posts=MANY_POSTS)
    await few.plan()
    standing_still = await few.advance()
    await few.finish()
    await more.plan()
    await more.finish()
    await many.plan()
    counts = {**_of_a_run(more), "advance, nothing to do": standing_still, **idle}
    pieces = {name: Piece(asks_of(count), str(count)) for name, count in counts.items()}
    return Counted({**pieces, "deliver_digest, a wave of five": _wave(few, more)}, few, more, many)


def asks_of(count: Count) -> Asks:
    return Asks(count.statements, count.reads, count.writes)


def _of_a_run(run: WatchedRun) -> Mapping[str, Count]:
    (planning,), (assembling,) = run.of(WorkKind.PLAN), run.of(WorkKind.ASSEMBLE)
    categorizing, summarizing = run.of(WorkKind.CATEGORIZE), run.of(WorkKind.SUMMARIZE)
    return {
        "process_bot_digest": planning,
        "categorize_posts": categorizing[0],
        "categorize_posts, the last": categorizing[-1],
        "summarize_posts": summarizing[0],
        "summarize_posts, the last": summarizing[-1],
        "assemble_digest": assembling,
        "deliver_digest, who gets it": run.of(WorkKind.DELIVER)[0],
    }


def _wave(few: WatchedRun, more: WatchedRun) -> Piece:
    """What each further five messages cost."""
    one, three = (run.of(WorkKind.DELIVER)[1] for run in (few, more))
    return Piece((asks_of(three) - asks_of(one)) / 2, f"three waves:\n{three}")
