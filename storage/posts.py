"""Posts as they were published. Stored once each, updated when their visible text was edited, never deleted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import sources
from storage.inserting import insert_ignoring
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
    known = {
        row.external_id: row
        for row in await session.execute(
            select(PostRow.id, PostRow.external_id, PostRow.text, PostRow.edited_at).where(
                PostRow.source_id == source_id, PostRow.external_id.in_([post.external_id for post in posts])
            )
        )
    }
    new = [post for post in posts if post.external_id not in known]
    newer = [
        (row.id, post)
        for post in posts
        if (row := known.get(post.external_id)) is not None and _is_newer(post, row.text, row.edited_at)
    ]
    updated = sum(post.text != known[post.external_id].text for _, post in newer)
    await insert_ignoring(session, PostRow, [_values(source_id, post, now) for post in new])
    if newer:
        await _update(session, newer)
    return Stored(new=len(new), updated=updated, unchanged=len(posts) - len(new) - updated)


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
    was_given: ColumnElement[bool] = exists().where(
        GivenPostRow.public_bot_id == public_bot_id,
        or_(GivenPostRow.post_id == PostRow.id, GivenPostRow.text_hash == PostRow.text_hash),
    )
    if given_before is not None:
        was_given = or_(was_given, PostRow.published_at < given_before)
    query = (
        select(PostRow.id, PostRow.text, PostRow.text_hash, was_given)
        .where(
            PostRow.source_id.in_(source_ids),
            PostRow.published_at >= first,
            PostRow.published_at < period.end,
            or_(PostRow.published_at >= period.start, PostRow.stored_at > (period.late_since or period.end)),
        )
        .order_by(PostRow.published_at, PostRow.id)
    )
    return [Candidate(*row) for row in await session.execute(query)]


async def by_ids(session: AsyncSession, ids: Sequence[int]) -> Mapping[int, Post]:
    query = (
        select(PostRow, SourceRow.title).join(SourceRow, SourceRow.id == PostRow.source_id).where(PostRow.id.in_(ids))
    )
    return {row.id: _post(row, title) for row, title in await session.execute(query)}


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


async def count(session: AsyncSession) -> int:
    return (await session.execute(select(func.count(PostRow.id)))).scalar_one()


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


def _post(row: PostRow, source_title: str) -> Post:
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
