"""Many rows at once, on both databases: entered in one statement, and looked up by their keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from storage import inserting, posts, sources
from storage.database import Database
from storage.inserting import insert_ignoring
from storage.keys import with_keys
from storage.models import LeaseRow, ModelAnswerRow, PostRow, SourceRow
from tests.support import NOON, make_posts

STRANGE = ['it\'s "so"', "back\\slash", "ключ 🔑", "[1, null]", ""]


async def test_a_conflict_leaves_the_row_that_is_there_and_enters_the_others(any_database: Database) -> None:
    for owner, names in (("first", "ab"), ("second", "bc")):
        async with any_database.write() as session:
            rows = [{"name": name, "owner": owner, "until": NOON} for name in names]
            await insert_ignoring(session, LeaseRow, rows)
    async with any_database.read() as session:
        owners = {row.name: row.owner for row in (await session.execute(select(LeaseRow))).scalars()}
    assert owners == {"a": "first", "b": "first", "c": "second"}


async def test_more_rows_than_one_statement_takes_are_entered_all_the_same(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inserting, "MOST_VALUES", 7)
    async with any_database.write() as session:
        rows = [{"name": str(number), "owner": "me", "until": NOON} for number in range(10)]
        await insert_ignoring(session, LeaseRow, rows)
        assert (await session.execute(select(func.count()).select_from(LeaseRow))).scalar_one() == 10


async def test_values_come_back_as_they_were_entered(any_database: Database) -> None:
    answer = {"text": STRANGE, "none": None, "number": 1.5}
    async with any_database.write() as session:
        rows = [{"key": str(number), "answer": answer, "asked_at": NOON} for number in range(2)]
        await insert_ignoring(session, ModelAnswerRow, rows)
    (post,) = make_posts(1)
    post = replace(post, text=STRANGE[0] + STRANGE[2], url=None, links=("https://e.org/?a=1&b='",), edited_at=NOON)
    async with any_database.write() as session:
        source = await sources.ensure_file_source(session, "wire", now=NOON)
        await posts.store(session, source.id, [post], NOON)
    async with any_database.read() as session:
        kept = (await session.execute(select(ModelAnswerRow))).scalars().all()
        row = (await session.execute(select(PostRow))).scalar_one()
    assert [(one.answer, one.asked_at) for one in kept] == [(answer, NOON)] * 2
    assert (row.text, row.url, tuple(row.links), row.edited_at) == (post.text, None, post.links, NOON)
    assert row.published_at == NOON - timedelta(minutes=2)


async def test_rows_are_found_by_keys_of_any_kind_and_no_others(any_database: Database) -> None:
    async with any_database.write() as session:
        source = await sources.ensure_file_source(session, "wire", now=NOON)
        (post,) = make_posts(1)
        await posts.store(session, source.id, [replace(post, external_id=key) for key in [*STRANGE, "other"]], NOON)
    of_source = select(PostRow.id, PostRow.external_id).where(PostRow.source_id == source.id)
    async with any_database.read() as session:
        found = [row[1] for row in await session.execute(with_keys(session, of_source, PostRow.external_id, STRANGE))]
        none = await session.execute(with_keys(session, of_source, PostRow.external_id, []))
        assert sorted(found) == sorted(STRANGE)
        assert none.all() == []


async def test_keys_are_looked_up_one_by_one_in_a_table_that_was_just_filled(
    any_database: Database,
) -> None:
    """PostgreSQL knows nothing of a table that was just filled, and read all of it for each thousand posts."""
    async with any_database.write() as session:
        source = await sources.ensure_file_source(session, "wire", now=NOON)
        await posts.store(session, source.id, make_posts(2000), NOON)
    query = select(PostRow.id, PostRow.text).where(PostRow.source_id == source.id)
    async with any_database.read() as session:
        wanted = with_keys(session, query, PostRow.external_id, [str(number) for number in range(1000)])
        sql = wanted.compile(session.get_bind().engine, compile_kwargs={"literal_binds": True})
        explain = "EXPLAIN QUERY PLAN" if any_database.is_sqlite else "EXPLAIN"
        plan = "\n".join(str(row) for row in await session.execute(text(f"{explain} {sql}".replace(":", r"\:"))))
    index = "sqlite_autoindex_posts_1 (source_id=? AND external_id=?)" if any_database.is_sqlite else (
        "uq_posts_source_id_external_id"
    )  # fmt: skip
    assert index in plan, plan


async def test_a_source_knows_how_many_posts_it_has(any_database: Database) -> None:
    for name, number, start in (("wire", 3, 1), ("paper", 2, 1), ("wire", 3, 3)):
        async with any_database.write() as session:
            source = await sources.ensure_file_source(session, name, now=NOON)
            await posts.store(session, source.id, make_posts(number, start=start), NOON)
    async with any_database.read() as session:
        overview = {one.source.name: (one.posts, one.last_post_at) for one in await sources.overview(session)}
        assert await sources.count(session) == (2, 7)
        assert (await session.execute(select(func.count(PostRow.id)))).scalar_one() == 7
    assert overview == {"paper": (2, NOON - timedelta(minutes=2)), "wire": (5, NOON - timedelta(minutes=2))}


async def test_what_an_older_version_has_stored_is_counted_anew(any_database: Database) -> None:
    async with any_database.write() as session:
        wire, paper = [await sources.ensure_file_source(session, name, now=NOON) for name in ("wire", "paper")]
        await posts.store(session, wire.id, make_posts(3), NOON)
        await posts.store(session, paper.id, make_posts(2), NOON)
        await session.execute(update(SourceRow).where(SourceRow.id == wire.id).values(post_count=1))
        assert list(await sources.miscounted(session)) == [wire.id]
        await sources.count_anew(session, wire.id)
        assert await sources.count(session) == (2, 5)
        assert list(await sources.miscounted(session)) == []
