"""The newest posts to try something on, and the batch size that is stored, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from storage import posts, public_bots, sampling, sources
from storage.database import Database
from storage.records import IncomingPost
from tests.support import NOON, make_posts, make_spec, open_desk


def post(number: int, text: str) -> IncomingPost:
    """The higher its number, the newer."""
    return IncomingPost(str(number), NOON + timedelta(minutes=number), text)


async def newest(database: Database, number: int, names: Sequence[str] = ("wire",)) -> list[str]:
    """The texts that are found, the newest first."""
    async with database.read() as session:
        found = [await sources.by_name(session, name) for name in names]
        ids = await sampling.newest_distinct(session, [one.id for one in found if one is not None], number)
        by_id = await posts.by_ids(session, ids)
    return [by_id[post_id].text for post_id in ids]


async def test_the_newest_come_first_and_no_more_than_asked_for(any_database: Database) -> None:
    await open_desk(any_database, [post(2, "two"), post(4, "four"), post(1, "one"), post(3, "three")])
    assert await newest(any_database, 3) == ["four", "three", "two"]
    assert await newest(any_database, 9) == ["four", "three", "two", "one"]


async def test_what_a_reader_cannot_tell_apart_counts_once_and_no_text_is_no_post(any_database: Database) -> None:
    await open_desk(
        any_database, [post(1, "A tram"), post(2, "a  TRAM\n"), post(3, ""), post(4, " \n "), post(5, "Rain")]
    )
    assert await newest(any_database, 9) == ["Rain", "a  TRAM\n"]


async def test_only_posts_of_the_named_sources_are_found(any_database: Database) -> None:
    await open_desk(any_database, [post(1, "wired")])
    await open_desk(any_database, [post(2, "of another"), post(3, "wired")], make_spec("other", sources=("another",)))
    assert await newest(any_database, 9) == ["wired"]
    assert await newest(any_database, 9, ("wire", "another")) == ["wired", "of another"]
    assert await newest(any_database, 9, ()) == []


async def test_the_newest_of_several_sources_are_found_whichever_holds_them(any_database: Database) -> None:
    await open_desk(any_database, [post(1, "one"), post(4, "four"), post(6, "same")])
    other = [post(2, "two"), post(3, "three"), post(5, "Same"), post(7, "seven")]
    await open_desk(any_database, other, make_spec("other", sources=("another",)))
    assert await newest(any_database, 4, ("wire", "another")) == ["seven", "same", "four", "three"]


async def test_many_copies_of_one_text_do_not_hide_the_others(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.sampling.PAGE", 4)
    copies = [post(number, "the same again") for number in range(10, 30)]
    await open_desk(any_database, [*copies, *(post(number, f"story {number}") for number in range(5))])
    assert await newest(any_database, 3) == ["the same again", "story 4", "story 3"]


async def test_a_batch_size_is_stored_once_and_nothing_else_changes(any_database: Database) -> None:
    await open_desk(any_database, make_posts(1), make_spec(schedule="0 9 * * *"))
    later = NOON + timedelta(hours=1)
    async with any_database.write() as session:
        before = await public_bots.by_slug(session, "city")
        assert before is not None
        assert await public_bots.set_batch_size(session, before.id, 3, later)
        assert not await public_bots.set_batch_size(session, before.id, 3, later), "it is so already"
        after = await public_bots.by_slug(session, "city")
    assert after == replace(before, spec=replace(before.spec, batch_size=3))
