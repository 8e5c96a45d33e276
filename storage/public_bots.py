"""Public bots: the audiences. Described by a bots file, found by their slug."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import sources
from storage.inserting import insert, insert_ignoring
from storage.models import PublicBotRow, PublicBotSourceRow, RunRow, SourceRow
from storage.models.base import table_of
from storage.records import BotToken, Category, PublicBot, PublicBotSpec, Wishes
from storage.runs import changed_rows

_BOT, _RUN = table_of(PublicBotRow), table_of(RunRow)
_WISHES = (
    select(
        _BOT.c.language, _BOT.c.categories, _BOT.c.categorization_prompt, _BOT.c.summarization_prompt, _RUN.c.asks_anew
    )
    .join(_RUN, _RUN.c.public_bot_id == _BOT.c.id)
    .where(_RUN.c.id == bindparam("run"))
)


@dataclass(frozen=True, slots=True)
class Applied:
    is_new: bool
    new_sources: tuple[str, ...]


async def apply(
    session: AsyncSession,
    spec: PublicBotSpec,
    token_encrypted: str | None,
    now: datetime,
    telegram_id: int | None = None,
) -> Applied:
    """Create or update the public bot of that slug. A token of None keeps the one it has, unless it is to have none.

    `telegram_id` is whose token it is, as the token itself says; what Telegram said of another one is forgotten.

    Sources that do not exist yet are made, empty, and named in the answer. A schedule that changes, or that a pause
    held, is in force from now on: what was due before is not caught up.
    """
    values = _values(spec, now)
    known = await by_slug(session, spec.slug)
    if token_encrypted is not None or spec.token_env is None:
        values |= {"token_encrypted": token_encrypted, "token_fault": None, "parked_until": None}
        if known is None or known.telegram_id != telegram_id:
            values |= {"telegram_id": None, "username": None}
    if spec.paused is not None:
        values["is_paused"] = spec.paused
    if known is None or _begins_anew(known, spec):
        values["schedule_since"] = now
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
    query = select(PublicBotRow).order_by(PublicBotRow.slug).execution_options(populate_existing=True)
    rows = (await session.execute(query)).scalars().all()
    return [_bot(row, await _source_names(session, row.id)) for row in rows]


async def by_slug(session: AsyncSession, slug: str) -> PublicBot | None:
    """The public bot of that slug; case does not count."""
    query = select(PublicBotRow).where(func.lower(PublicBotRow.slug) == slug.lower())
    row = (await session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()
    return _bot(row, await _source_names(session, row.id)) if row else None


async def by_id(session: AsyncSession, bot_id: int) -> PublicBot | None:
    row = await session.get(PublicBotRow, bot_id, populate_existing=True)
    return _bot(row, await _source_names(session, row.id)) if row else None


async def wishes_of_run(session: AsyncSession, run_id: int) -> tuple[Wishes, bool]:
    """What the public bot of this run wants, and whether the model is to be asked anew."""
    row = (await session.execute(_WISHES, {"run": run_id})).one()
    return Wishes(
        row.language, _categories(row.categories), row.categorization_prompt, row.summarization_prompt
    ), row.asks_anew


async def source_ids(session: AsyncSession, bot_id: int) -> Sequence[int]:
    query = select(PublicBotSourceRow.source_id).where(PublicBotSourceRow.public_bot_id == bot_id)
    return (await session.execute(query)).scalars().all()


async def token(session: AsyncSession, bot_id: int) -> str | None:
    """Its token, encrypted; None where it has none."""
    query = select(PublicBotRow.token_encrypted).where(PublicBotRow.id == bot_id)
    return (await session.execute(query)).scalar_one_or_none()


async def to_serve(session: AsyncSession) -> Sequence[BotToken]:
    """The tokens of the public bots that are not paused, whether they can be used or not."""
    row = PublicBotRow
    query = (
        select(row.id, row.slug, row.language, row.token_encrypted, row.telegram_id, row.token_fault)
        .where(row.token_encrypted.is_not(None), row.is_paused.is_(False))
        .order_by(row.id)
    )
    return [
        BotToken(bot_id, slug, language, encrypted, telegram_id, fault)
        for bot_id, slug, language, encrypted, telegram_id, fault in await session.execute(query)
        if encrypted is not None
    ]


async def set_paused(session: AsyncSession, bot_id: int, now: datetime, *, is_paused: bool) -> bool:
    """Pause a public bot or let it go on. False: it is so already."""
    values: dict[str, object] = {"is_paused": is_paused} | ({} if is_paused else {"schedule_since": now})
    which = (PublicBotRow.id == bot_id) & PublicBotRow.is_paused.is_(not is_paused)
    return changed_rows(await session.execute(update(PublicBotRow).where(which).values(**values))) == 1


async def set_batch_size(session: AsyncSession, bot_id: int, size: int, now: datetime) -> bool:
    """How many posts share a model call for this public bot. False: it is so already."""
    which = (PublicBotRow.id == bot_id) & PublicBotRow.batch_size.is_distinct_from(size)
    values = {"batch_size": size, "updated_at": now}
    return changed_rows(await session.execute(update(PublicBotRow).where(which).values(**values))) == 1


async def set_identity(session: AsyncSession, bot_id: int, telegram_id: int, username: str | None) -> bool:
    """What Telegram says a public bot is. False: another public bot is that already."""
    taken = select(PublicBotRow.id).where(PublicBotRow.telegram_id == telegram_id, PublicBotRow.id != bot_id)
    if (await session.execute(taken)).first() is not None:
        return False
    values = {"telegram_id": telegram_id, "username": username}
    await session.execute(update(PublicBotRow).where(PublicBotRow.id == bot_id).values(**values))
    return True


async def set_token_fault(
    session: AsyncSession, bot_id: int, message_id: str | None, token_encrypted: str | None = None
) -> bool:
    """Why its token cannot be used, None: it can. False: that was known, or it has another token than this one now."""
    known = PublicBotRow.token_fault.is_not_distinct_from(message_id)
    which = (PublicBotRow.id == bot_id) & ~known
    if token_encrypted is not None:
        which &= PublicBotRow.token_encrypted == token_encrypted
    return changed_rows(await session.execute(update(PublicBotRow).where(which).values(token_fault=message_id))) == 1


async def park(session: AsyncSession, bot_id: int, until: datetime | None) -> None:
    """Telegram told it to be silent until then."""
    await session.execute(update(PublicBotRow).where(PublicBotRow.id == bot_id).values(parked_until=until))


async def parked(session: AsyncSession, now: datetime) -> Mapping[int, datetime]:
    """The public bots that Telegram wants to be silent, and until when."""
    query = select(PublicBotRow.id, PublicBotRow.parked_until).where(PublicBotRow.parked_until > now)
    return {bot_id: until for bot_id, until in await session.execute(query) if until is not None}


async def _source_names(session: AsyncSession, bot_id: int) -> tuple[str, ...]:
    query = (
        select(SourceRow.name)
        .join(PublicBotSourceRow, PublicBotSourceRow.source_id == SourceRow.id)
        .where(PublicBotSourceRow.public_bot_id == bot_id)
        .order_by(PublicBotSourceRow.position)
    )
    return tuple((await session.execute(query)).scalars())


def _begins_anew(known: PublicBot, spec: PublicBotSpec) -> bool:
    has_changed = (known.spec.schedule, known.spec.timezone) != (spec.schedule, spec.timezone)
    return has_changed or (known.is_paused and spec.paused is False)


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
        categories=_categories(row.categories),
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
        paused=True if row.is_paused else None,
    )
    return PublicBot(
        id=row.id,
        spec=spec,
        has_token=row.token_encrypted is not None,
        is_paused=row.is_paused,
        schedule_since=row.schedule_since,
        telegram_id=row.telegram_id,
        username=row.username,
        token_fault=row.token_fault,
        parked_until=row.parked_until,
    )


def _categories(stored: Sequence[Mapping[str, Any]]) -> tuple[Category, ...]:
    return tuple(Category(one["name"], tuple(one["descriptions"]), tuple(one["examples"])) for one in stored)
