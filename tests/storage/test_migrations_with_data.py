"""Upgrades and the way back, on databases with data in them: what both schemas have a place for is never touched."""

from __future__ import annotations

import pytest
from sqlalchemy import URL

from storage.schema import known_revisions, migrate
from tests.storage.full_database import MANY, Rows, contents, fill, make_schema, step_down, surviving

REVISIONS = known_revisions()


def assert_kept(before: Rows, after: Rows) -> None:
    """Whatever both have a place for is there, and the same."""
    assert surviving(before, after) == {name: surviving(after, before)[name] for name in surviving(before, after)}


@pytest.mark.parametrize("start", REVISIONS)
async def test_a_step_back_and_every_step_forward_keep_every_row(any_url: URL, start: str) -> None:
    """From each schema, with rows in all of its tables."""
    make_schema(any_url, start)
    fill(any_url)
    filled = contents(any_url)
    assert all(rows for _, rows in filled.values())
    here = REVISIONS.index(start)
    if here > 0:
        step_down(any_url, REVISIONS[here - 1])
        assert_kept(filled, contents(any_url))
    for revision in REVISIONS[here:]:
        before = contents(any_url)
        make_schema(any_url, revision)
        assert_kept(before, contents(any_url))


async def test_ten_thousand_posts_are_upgraded_taken_back_and_upgraded_again(any_url: URL) -> None:
    make_schema(any_url, "0002")
    fill(any_url, MANY)
    filled = contents(any_url)
    assert len(filled["posts"][1]) == 10_000
    await migrate(any_url)
    newest = contents(any_url)
    assert_kept(filled, newest)
    step_down(any_url, REVISIONS[-2])
    assert_kept(newest, contents(any_url))
    await migrate(any_url)
    again = contents(any_url)
    assert again.keys() == newest.keys()
    assert_kept(filled, again)
