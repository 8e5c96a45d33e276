"""Posts as they were published. Stored once each, updated when their visible text was edited, never deleted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import sources
from storage.inserting import insert_ignoring
from storage.keys import with_keys
from storage.models import GivenPostRow, PostRow, SourceRow
from storage.records import Candidate, IncomingPost, Period, Post


@dataclass(frozen=True, slots=True)
class Stored:
    new: int = 0
    updated: int = 0
    unchanged: int = 0


def text_hash(text: str) -> str:
    """The same for texts that a reader cannot tell apart: case and white space do not count. 32 hex digits."""
    return hashlib.blake2b(" ".join(text.casefold().split()).encode(), digest_size=16).hexdigest()


async def store(session: AsyncSession, source_id: int, posts: Sequence[IncomingPost], now: datetime) -> Stored:
    """Add the posts that are new, update those whose visible text was edited since, leave the others.

    An older state of an edited post never replaces a newer one. An edit that leaves the text as it is counts as
    unchanged. The same external id must not occur twice in one call.
    """
    await sources.lock(session, source_id)  # else two could each take theirs for the newer state
    query = select(PostRow.id, PostRow.external_id, PostRow.text, PostRow.edited_at)
    of_source = query.where(PostRow.source_id == source_id)
    asked = with_keys(session, of_source, PostRow.external_id, [post.external_id for post in posts])
    known = {row.external_id: row for row in await session.execute(asked)}
    new = [post for post in posts if post.external_id not in known]
    newer = [
        (row.id, post)
        for post in posts
        if (row := known.get(post.external_id)) is not None and _is_newer(post, row.text, row.edited_at)
    ]
    updated = sum(post.text != known[post.external_id].text for _, post in newer)
    await insert_ignoring(session, PostRow, [_values(source_id, post, now) for post in new])
    await sources.count_in(session, source_id, len(new))
    if newer:
        await _update(session, newer)
    return Stored(new=len(new), updated=updated, unchanged=len(posts) - len(new) - updated)


async def take_stock(session: AsyncSession) -> None:
    """Let PostgreSQL see how the posts are spread over the sources, which it does by itself only once a tenth is new.

    Else it takes a source that was just filled for an empty one, and reads all of it for each of its posts. SQLite has
    no such beliefs.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("ANALYZE posts"))


async def candidates(
    session: AsyncSession,
    public_bot_id: int,
    source_ids: Sequence[int],
    period: Period,
    earliest: datetime,
    given_before: datetime | None = None,
) -> Sequence[Candidate]:
    """The posts of a period, oldest first; late ones, too, if they were not published before `earliest`.

    What was published before `given_before` counts as given: it may have been, and nobody knows.
    """
    first = min(earliest, period.start) if period.late_since else period.start
    given = GivenPostRow.public_bot_id == public_bot_id
    was_given = or_(  # one for each index: asked both at once, SQLite reads all that the bot has ever given
        exists().where(given, GivenPostRow.post_id == PostRow.id),
        exists().where(given, GivenPostRow.text_hash == PostRow.text_hash),
    )
    if given_before is not None:
        was_given = or_(was_given, PostRow.published_at < given_before)
    query = (
        select(PostRow.id, PostRow.text_hash, was_given)
        .where(
            PostRow.source_id.in_(source_ids),
            PostRow.published_at >= first,
            PostRow.published_at < period.end,
            or_(PostRow.published_at >= period.start, PostRow.stored_at > (period.late_since or period.end)),
        )
        .order_by(PostRow.published_at, PostRow.id)
    )
    return [Candidate(*row) for row in await session.execute(query)]


async def texts(session: AsyncSession, ids: Sequence[int]) -> Mapping[int, str]:
    """Their texts, in the given order."""
    query = select(PostRow.id, PostRow.text).where(PostRow.id.in_(ids))
    found = {row.id: row.text for row in await session.execute(query)}
    return {post_id: found[post_id] for post_id in ids}


async def by_ids(session: AsyncSession, ids: Sequence[int]) -> Mapping[int, Post]:
    query = (
        select(PostRow, SourceRow.title).join(SourceRow, SourceRow.id == PostRow.source_id).where(PostRow.id.in_(ids))
    )
    return {row.id: as_post(row, title) for row, title in await session.execute(query)}


async def album(session: AsyncSession, source_id: int, album_id: str) -> tuple[str, Mapping[str, str]] | None:
    """The external id and the captions by message id of the post that an album is stored as."""
    query = select(PostRow.external_id, PostRow.album_captions).where(
        PostRow.source_id == source_id, PostRow.album_id == album_id
    )
    row = (await session.execute(query)).first()
    return (row[0], row[1] or {}) if row else None


async def set_album_captions(
    session: AsyncSession, source_id: int, external_id: str, captions: Mapping[str, str]
) -> None:
    await session.execute(
        update(PostRow)
        .where(PostRow.source_id == source_id, PostRow.external_id == external_id)
        .values(album_captions=dict(captions))
    )


def _is_newer(post: IncomingPost, stored_text: str, stored_edit: datetime | None) -> bool:
    is_another_text = post.text != stored_text
    if stored_edit is None:
        return is_another_text or post.edited_at is not None
    if post.edited_at is None:
        return False
    return post.edited_at > stored_edit or (post.edited_at == stored_edit and is_another_text)


async def _update(session: AsyncSession, newer: Sequence[tuple[int, IncomingPost]]) -> None:
    connection = await session.connection()
    await connection.execute(
        update(PostRow.__table__).where(PostRow.__table__.c.id == bindparam("row_id")),  # type: ignore[arg-type]
        [
            {
                "row_id": row_id,
                "text": post.text,
                "text_hash": text_hash(post.text),
                "edited_at": post.edited_at,
                "links": list(post.links),
            }
            for row_id, post in newer
        ],
    )


def _values(source_id: int, post: IncomingPost, now: datetime) -> dict[str, object]:
    return {
        "source_id": source_id,
        "external_id": post.external_id,
        "published_at": post.published_at,
        "edited_at": post.edited_at,
        "stored_at": now,
        "text": post.text,
        "text_hash": text_hash(post.text),
        "url": post.url,
        "links": list(post.links),
        "channel_title": post.channel_title,
        "album_id": post.album_id,
        "album_captions": None,
    }


def as_post(row: Any, source_title: str) -> Post:
    """Of a row with the columns of a post."""
    return Post(
        id=row.id,
        source_id=row.source_id,
        source_title=row.channel_title or source_title,
        external_id=row.external_id,
        published_at=row.published_at,
        text=row.text,
        url=row.url,
        links=tuple(row.links),
    )
