"""What was given before this program was there: the posts of a digest for nobody, of a run that has ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Select, exists, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.inserting import insert_ignoring
from storage.models import DeliveryRow, DigestRow, GivenPostRow, PostRow, PublicBotRow, RunPostRow, RunRow, SourceRow
from storage.records import DeliveryState, Engine, GivenPost, KnownPost, PostStatus, PublicBot, QuietDay, RunState
from storage.runs import ADOPTED

CHUNK = 500


async def known_posts(session: AsyncSession) -> Sequence[KnownPost]:
    """Every stored post by everything that it may be called."""
    return [KnownPost(*row) for row in await session.execute(_known())]


async def mark_given(session: AsyncSession, bot: PublicBot, given: Mapping[int, datetime], now: datetime) -> int:
    """These posts, with the times when readers had them, are not given to this public bot's readers (again). How many
    of them were not yet known as given."""
    before = await _count(session, bot.id)
    digest_id = await _digest(session, bot, now)
    ids = sorted(given)
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        hashes = await session.execute(select(PostRow.id, PostRow.text_hash).where(PostRow.id.in_(chunk)))
        rows = [
            {
                "public_bot_id": bot.id,
                "post_id": id_,
                "text_hash": text_hash,
                "digest_id": digest_id,
                "given_at": given[id_],
            }
            for id_, text_hash in hashes
        ]
        await insert_ignoring(session, GivenPostRow, rows)
        run_id = select(DigestRow.run_id).where(DigestRow.id == digest_id)
        number = (await session.execute(run_id)).scalar_one()
        statuses = [{"run_id": number, "post_id": id_, "status": PostStatus.GIVEN_BEFORE} for id_ in chunk]
        await insert_ignoring(session, RunPostRow, statuses)
    return await _count(session, bot.id) - before


async def given_by_us(session: AsyncSession, public_bot_id: int) -> Sequence[GivenPost]:
    """What a public bot's readers were given here, oldest first: not what was adopted, nor what only operators saw."""
    reached = exists().where(
        DeliveryRow.digest_id == GivenPostRow.digest_id,
        DeliveryRow.state.in_((DeliveryState.SENT, DeliveryState.UNKNOWN)),
    )
    query = (
        _known()
        .add_columns(PublicBotRow.slug, GivenPostRow.given_at)
        .join(GivenPostRow, GivenPostRow.post_id == PostRow.id)
        .join(PublicBotRow, PublicBotRow.id == GivenPostRow.public_bot_id)
        .where(GivenPostRow.public_bot_id == public_bot_id, reached)
        .order_by(GivenPostRow.given_at, PostRow.id)
    )
    return [GivenPost(slug, KnownPost(*known), given_at) for *known, slug, given_at in await session.execute(query)]


def _known() -> Select[int, str, str | None, str | None, str, str | None, str]:
    return select(
        PostRow.id, SourceRow.name, SourceRow.username, SourceRow.home_channel, PostRow.external_id, PostRow.url,
        PostRow.text_hash,
    ).join(SourceRow, SourceRow.id == PostRow.source_id)  # fmt: skip


async def _count(session: AsyncSession, public_bot_id: int) -> int:
    query = select(func.count()).select_from(GivenPostRow).where(GivenPostRow.public_bot_id == public_bot_id)
    return (await session.execute(query)).scalar_one()


async def _digest(session: AsyncSession, bot: PublicBot, now: datetime) -> int:
    """The digest that stands for everything that was adopted for a public bot: it has no items and goes to nobody."""
    query = (
        select(DigestRow.id)
        .join(RunRow, RunRow.id == DigestRow.run_id)
        .where(RunRow.public_bot_id == bot.id, RunRow.origin == ADOPTED)
        .order_by(DigestRow.id)
        .limit(1)
    )
    found = (await session.execute(query)).scalar_one_or_none()
    if found is not None:
        return found
    run = await session.execute(
        insert(RunRow)
        .values(
            public_bot_id=bot.id, state=RunState.DONE, version=1, engine=Engine.CELERY, provider="", model="",
            origin=ADOPTED, period_start=now, period_end=now, post_limit=0, min_posts=0, quiet_day=QuietDay.SAY,
            deliver=False, created_at=now, stage_started_at=now, finished_at=now,
        )
        .returning(RunRow.id)
    )  # fmt: skip
    shown = {"bot": bot.slug, "title": bot.title, "language": bot.spec.language, "timezone": bot.spec.timezone}
    content = {**shown, "sections": []}
    values = {"run_id": run.scalar_one(), "public_bot_id": bot.id, "content": content, "created_at": now}
    return (await session.execute(insert(DigestRow).values(values).returning(DigestRow.id))).scalar_one()
