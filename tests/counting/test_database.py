"""What work asks of the database, counted: see `budget.py` for the numbers and for what to do when one is exceeded."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import pytest

from storage.records import WorkKind
from tests.counting.budget import (
    COMMITS_OF_A_POST,
    DATABASE,
    TURNS_OF_A_BATCH,
    Asks,
    allowed,
    hold,
)
from tests.counting.databases import counted_in
from tests.counting.pieces import FEW_POSTS, MORE_POSTS, Counted, asks_of

BATCH = 5
ASKS_NOTHING = {"live", "look for another installation"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def counted(backend: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Counted:
    """Everything, counted once in a database of this kind."""
    if backend == "sqlite":
        return asyncio.run(counted_in(f"sqlite:///{tmp_path_factory.mktemp('counting')}/digest.db"))
    return asyncio.run(counted_in(request.getfixturevalue("postgres").create_database()))


@pytest.mark.parametrize("name", DATABASE)
def test_it_asks_what_the_budget_allows(counted: Counted, backend: str, name: str) -> None:
    hold(name, counted.pieces[name].asks, allowed(name, backend), counted.pieces[name].words)


def test_nothing_asks_without_a_budget(counted: Counted) -> None:
    """A job that somebody adds to a worker's background needs a line."""
    without = {name: piece.words for name, piece in counted.pieces.items() if name not in DATABASE}
    assert without.keys() == ASKS_NOTHING
    assert all(counted.pieces[name].asks == Asks(0, 0, 0) for name in without), without


def test_planning_asks_the_same_however_many_posts_there_are(counted: Counted) -> None:
    few, more, many = (run.of(WorkKind.PLAN)[0] for run in (counted.few, counted.more, counted.many))
    hold("Planning more posts", asks_of(more), asks_of(few), str(more))
    hold("Planning many posts", asks_of(many), asks_of(few), str(many))


def test_each_batch_but_the_last_asks_the_same(counted: Counted) -> None:
    first, *others, _ = counted.more.of(WorkKind.CATEGORIZE)
    for other in others:
        hold("A later batch", asks_of(other), asks_of(first), str(other))


def test_a_run_grows_by_its_batches_and_by_nothing_else(counted: Counted, backend: str) -> None:
    """Besides the deliveries: those are to more readers here."""
    delivered = [asks_of(run.of(WorkKind.DELIVER)[1]) for run in (counted.few, counted.more)]
    few, more = (asks_of(run.whole) - bite for run, bite in zip((counted.few, counted.more), delivered, strict=True))
    batches = (MORE_POSTS - FEW_POSTS) // BATCH
    hold("Each further batch", (more - few) / batches, allowed("categorize_posts", backend), str(counted.more.whole))


def test_a_post_costs_no_more_than_its_part_of_a_commit(counted: Counted) -> None:
    batches = counted.more.of(WorkKind.CATEGORIZE)[:-1]
    assert Fraction(sum(one.writes for one in batches), BATCH * len(batches)) == COMMITS_OF_A_POST


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_batch_goes_to_the_thread_of_sqlite_only_to_commit(counted: Counted, backend: str) -> None:
    """PostgreSQL's driver prepares what it is asked more often, so that its turns vary."""
    for count in counted.more.of(WorkKind.CATEGORIZE)[:-1]:
        assert count.turns == TURNS_OF_A_BATCH, f"a batch took {count.turns} turns:\n{count}"
