"""Public bots: the audiences. Described by a bots file, found by their slug."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage import sources
from storage.inserting import insert, insert_ignoring
from storage.models import PublicBotRow, PublicBotSourceRow, SourceRow
from storage.records import Category, PublicBot, PublicBotSpec


@dataclass(frozen=True, slots=True)
class Applied:
    is_new: bool
    new_sources: tuple[str, ...]


async def apply(session: AsyncSession, spec: PublicBotSpec, token_encrypted: str | None, now: datetime) -> Applied:
    """Create or update the public bot of that slug. A token of None keeps the one it has, unless it is to have none.

    Sources that do not exist yet are made, empty, and named in the answer.
    """
    values = _values(spec, now)
    if token_encrypted is not None or spec.token_env is None:
        values["token_encrypted"] = token_encrypted
    known = await by_slug(session, spec.slug)
    statement = insert(session, PublicBotRow).values(**values, created_at=now)
    statement = statement.on_conflict_do_update(index_elements=["slug"], set_=values)
    await session.execute(statement)
    bot_id = (await session.execute(select(PublicBotRow.id).where(PublicBotRow.slug == spec.slug))).scalar_one()
    new_sources = [name for name in spec.sources if await sources.by_name(session, name) is None]
    await session.execute(delete(PublicBotSourceRow).where(PublicBotSourceRow.public_bot_id == bot_id))
    for position, name in enumerate(dict.fromkeys(spec.sources)):
        source = await sources.ensure_file_source(session, name, now=now)
        row = {"public_bot_id": bot_id, "source_id": source.id, "position": position}
        await insert_ignoring(session, PublicBotSourceRow, [row])
    return Applied(is_new=known is None, new_sources=tuple(new_sources))


async def everyone(session: AsyncSession) -> Sequence[PublicBot]:
    """All public bots, by slug."""
    rows = (await session.execute(select(PublicBotRow).order_by(PublicBotRow.slug))).scalars().all()
    return [_bot(row, await _source_names(session, row.id)) for row in rows]


async def by_slug(session: AsyncSession, slug: str) -> PublicBot | None:
    """The public bot of that slug; case does not count."""
    query = select(PublicBotRow).where(func.lower(PublicBotRow.slug) == slug.lower())
    row = (await session.execute(query)).scalar_one_or_none()
    return _bot(row, await _source_names(session, row.id)) if row else None


async def by_id(session: AsyncSession, bot_id: int) -> PublicBot | None:
    row = await session.get(PublicBotRow, bot_id)
    return _bot(row, await _source_names(session, row.id)) if row else None


async def source_ids(session: AsyncSession, bot_id: int) -> Sequence[int]:
    query = select(PublicBotSourceRow.source_id).where(PublicBotSourceRow.public_bot_id == bot_id)
    return (await session.execute(query)).scalars().all()


async def _source_names(session: AsyncSession, bot_id: int) -> tuple[str, ...]:
    query = (
        select(SourceRow.name)
        .join(PublicBotSourceRow, PublicBotSourceRow.source_id == SourceRow.id)
        .where(PublicBotSourceRow.public_bot_id == bot_id)
        .order_by(PublicBotSourceRow.position)
    )
    return tuple((await session.execute(query)).scalars())


def _values(spec: PublicBotSpec, now: datetime) -> dict[str, object]:
    return {
        "slug": spec.slug,
        "title": spec.title,
        "language": spec.language,
        "timezone": spec.timezone,
        "max_posts_per_digest": spec.max_posts_per_digest,
        "categorization_prompt": spec.categorization_prompt,
        "summarization_prompt": spec.summarization_prompt,
        "categories": [
            {"name": c.name, "descriptions": list(c.descriptions), "examples": list(c.examples)}
            for c in spec.categories
        ],
        "schedule": spec.schedule,
        "token_env": spec.token_env,
        "approval": spec.approval,
        "min_posts": spec.min_posts,
        "quiet_day": spec.quiet_day,
        "window_hours": spec.window_hours,
        "batch_size": spec.batch_size,
        "updated_at": now,
    }


def _bot(row: PublicBotRow, source_names: tuple[str, ...]) -> PublicBot:
    spec = PublicBotSpec(
        slug=row.slug,
        title=row.title,
        language=row.language,
        sources=source_names,
        categories=tuple(Category(c["name"], tuple(c["descriptions"]), tuple(c["examples"])) for c in row.categories),
        categorization_prompt=row.categorization_prompt,
        summarization_prompt=row.summarization_prompt,
        max_posts_per_digest=row.max_posts_per_digest,
        timezone=row.timezone,
        schedule=row.schedule,
        token_env=row.token_env,
        approval=row.approval,
        min_posts=row.min_posts,
        quiet_day=row.quiet_day,
        window_hours=row.window_hours,
        batch_size=row.batch_size,
    )
    return PublicBot(id=row.id, spec=spec, has_token=row.token_encrypted is not None)
