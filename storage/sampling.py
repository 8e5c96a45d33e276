"""A look at the newest posts, for whoever wants to try something on them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import PostRow
from storage.posts import text_hash

PAGE = 500
NO_TEXT = text_hash("")

_When = tuple[datetime, int]  # and the post's id


async def newest_distinct(session: AsyncSession, source_ids: Collection[int], number: int) -> Sequence[int]:
    """Ids of the newest posts of these sources that have a text, at most `number`, newest first; of posts that a reader
    cannot tell apart only the newest."""
    found: dict[str, _When] = {}
    for source_id in sorted(source_ids):  # one by one: each is in this order in an index, all of them together are not
        for its_hash, when in (await _of_source(session, source_id, number)).items():
            found[its_hash] = max(when, found.get(its_hash, when))
    return [post_id for _, post_id in sorted(found.values(), reverse=True)[:number]]


async def _of_source(session: AsyncSession, source_id: int, number: int) -> dict[str, _When]:
    """When the newest texts were published, by their hash; some more than `number` perhaps."""
    query = (
        select(PostRow.text_hash, PostRow.published_at, PostRow.id)
        .where(PostRow.source_id == source_id, PostRow.text_hash != NO_TEXT)
        .order_by(PostRow.published_at.desc(), PostRow.id.desc())
        .limit(PAGE)
    )
    found: dict[str, _When] = {}
    seen = 0
    while True:
        page = (await session.execute(query.offset(seen))).all()
        for its_hash, published_at, post_id in page:
            found.setdefault(its_hash, (published_at, post_id))
        seen += len(page)
        if len(found) >= number or len(page) < PAGE:
            return found
