"""Finished digests, and which posts a public bot has given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.inserting import insert, insert_ignoring
from storage.models import DigestRow, GivenPostRow, PostRow, RunRow
from storage.records import Digest, DigestItem, DigestSection, Period, QuietDay, RunState

NEWEST = 10


async def save(session: AsyncSession, digest: Digest, public_bot_id: int, now: datetime) -> None:
    """Store the digest of a run; a run has one, and a second is not stored."""
    row = {"run_id": digest.run_id, "public_bot_id": public_bot_id, "content": _content(digest), "created_at": now}
    await session.execute(insert(session, DigestRow).on_conflict_do_nothing(), [row])


async def of_run(session: AsyncSession, run_id: int) -> Digest | None:
    query = select(DigestRow, RunRow).join(RunRow, RunRow.id == DigestRow.run_id).where(DigestRow.run_id == run_id)
    row = (await session.execute(query)).first()
    return _digest(*row) if row else None


async def last_given(session: AsyncSession, public_bot_id: int, now: datetime) -> Digest | None:
    """The newest digest with something in it that this public bot's readers were given, or are being given."""
    query = (
        select(DigestRow, RunRow)
        .join(RunRow, RunRow.id == DigestRow.run_id)
        .where(
            DigestRow.public_bot_id == public_bot_id,
            RunRow.deliver.is_(True),
            RunRow.state.in_((RunState.DELIVERING, RunState.DONE)),
            RunRow.publish_at.is_(None) | (RunRow.publish_at <= now),
        )
        .order_by(DigestRow.id.desc())
        .limit(NEWEST)
    )
    found = (_digest(*row) for row in await session.execute(query))
    return next((digest for digest in found if digest.items), None)


async def free_posts(session: AsyncSession, digest_id: int) -> None:
    """The digest reached nobody: its posts may be given by another one."""
    await session.execute(delete(GivenPostRow).where(GivenPostRow.digest_id == digest_id))


async def making_times(session: AsyncSession, public_bot_id: int, limit: int) -> Sequence[timedelta]:
    """How long this public bot's last digests took to be made, newest first; those of quiet days were no work."""
    query = (
        select(DigestRow.created_at, RunRow.created_at)
        .join(RunRow, RunRow.id == DigestRow.run_id)
        .where(DigestRow.public_bot_id == public_bot_id, RunRow.quiet_day.is_distinct_from(QuietDay.SAY))
        .order_by(DigestRow.id.desc())
        .limit(limit)
    )
    return [made_at - begun_at for made_at, begun_at in await session.execute(query)]


async def mark_given(session: AsyncSession, digest: Digest, public_bot_id: int, now: datetime) -> None:
    """These posts, and others with the same text, are not given to this public bot's readers again."""
    ids = [item.post_id for item in digest.items]
    hashes = await session.execute(select(PostRow.id, PostRow.text_hash).where(PostRow.id.in_(ids)))
    await insert_ignoring(
        session,
        GivenPostRow,
        [
            {
                "public_bot_id": public_bot_id,
                "post_id": post_id,
                "text_hash": text_hash,
                "digest_id": digest.id,
                "given_at": now,
            }
            for post_id, text_hash in hashes
        ],
    )


def _content(digest: Digest) -> Mapping[str, Any]:
    return {
        "bot": digest.bot_slug,
        "title": digest.title,
        "language": digest.language,
        "timezone": digest.timezone,
        "sections": [
            {
                "category": section.category,
                "items": [
                    {
                        "post": item.post_id,
                        "headline": item.headline,
                        "text": item.text,
                        "url": item.url,
                        "source": item.source_title,
                    }
                    for item in section.items
                ],
            }
            for section in digest.sections
        ],
    }


def _digest(row: DigestRow, run: RunRow) -> Digest:
    content = row.content
    return Digest(
        id=row.id,
        run_id=row.run_id,
        bot_slug=content["bot"],
        title=content["title"],
        language=content["language"],
        timezone=content["timezone"],
        period=Period(run.period_start, run.period_end),
        sections=tuple(DigestSection(one["category"], _items(one["items"])) for one in content["sections"]),
        is_quiet=not content["sections"],
    )


def _items(items: Sequence[Mapping[str, Any]]) -> tuple[DigestItem, ...]:
    return tuple(
        DigestItem(
            post_id=item["post"],
            headline=item["headline"],
            text=item["text"],
            url=item["url"],
            source_title=item["source"],
        )
        for item in items
    )
