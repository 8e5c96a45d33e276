"""Where posts come from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ScalarSelect, Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.inserting import insert
from storage.models import PostRow, PublicBotSourceRow, SourceRow
from storage.records import Source, SourceKind, SourceOverview


async def ensure_file_source(
    session: AsyncSession,
    name: str,
    *,
    title: str | None = None,
    username: str | None = None,
    home_channel: str | None = None,
    now: datetime,
) -> Source:
    """The source of that name, made where there is none. What is given is stored, `home_channel` only once."""
    await _ensure(session, name=name, kind=SourceKind.FILE, title=title or name, now=now)
    source = await by_name(session, name)
    assert source is not None
    changes = {
        "title": title if title and title != source.title else None,
        "username": username if username and username != source.username else None,
        "home_channel": home_channel if home_channel and not source.home_channel else None,
    }
    changes = {key: value for key, value in changes.items() if value is not None}
    if changes:
        await session.execute(update(SourceRow).where(SourceRow.id == source.id).values(**changes))
        source = await by_name(session, name)
        assert source is not None
    return source


async def add_channel(
    session: AsyncSession,
    *,
    chat_id: int,
    name: str,
    title: str,
    username: str | None,
    added_by: int | None,
    now: datetime,
) -> tuple[Source, bool]:
    """Register a Telegram channel. False: it is registered already, and stays as it is.

    A name that another source has gets the channel's id behind it.
    """
    existing = await by_chat(session, chat_id)
    if existing is not None:
        return existing, False
    for candidate in (name, f"{name}-{abs(chat_id)}"):
        is_new = await _ensure(
            session,
            name=candidate,
            kind=SourceKind.CHANNEL,
            title=title,
            now=now,
            chat_id=chat_id,
            username=username,
            home_channel=str(abs(chat_id)).removeprefix("100"),
            added_by=added_by,
        )
        source = await by_chat(session, chat_id)
        if source is not None:
            return source, is_new
    raise AssertionError(f"channel {chat_id} could not be registered")


async def by_name(session: AsyncSession, name: str) -> Source | None:
    row = (await session.execute(select(SourceRow).where(SourceRow.name == name))).scalar_one_or_none()
    return _source(row) if row else None


async def by_chat(session: AsyncSession, chat_id: int) -> Source | None:
    row = (await session.execute(select(SourceRow).where(SourceRow.chat_id == chat_id))).scalar_one_or_none()
    return _source(row) if row else None


async def count_in(session: AsyncSession, source_id: int, new_posts: int) -> None:
    """So many posts were added to a source that this transaction holds. The count is kept, because counting a million
    posts at each look takes too long."""
    if new_posts:
        more = SourceRow.post_count + new_posts
        await session.execute(update(SourceRow).where(SourceRow.id == source_id).values(post_count=more))


async def miscounted(session: AsyncSession) -> Sequence[int]:
    """Sources to which a process of an older version, which keeps no count, has added posts."""
    query = select(SourceRow.id).where(SourceRow.post_count != _counted())
    return (await session.execute(query.order_by(SourceRow.id))).scalars().all()


async def count_anew(session: AsyncSession, source_id: int) -> None:
    await lock(session, source_id)
    await session.execute(update(SourceRow).where(SourceRow.id == source_id).values(post_count=_counted()))


def _counted() -> ScalarSelect[int]:
    return select(func.count(PostRow.id)).where(PostRow.source_id == SourceRow.id).scalar_subquery()


async def count(session: AsyncSession) -> tuple[int, int]:
    """How many sources there are, and how many posts."""
    query = select(func.count(SourceRow.id), func.coalesce(func.sum(SourceRow.post_count), 0))
    number, posts = (await session.execute(query)).one()
    return number, posts


async def lock(session: AsyncSession, source_id: int) -> None:
    """Hold a source until the transaction ends, so that its posts are stored by one after the other."""
    await session.execute(select(SourceRow.id).where(SourceRow.id == source_id).with_for_update())


async def overview(session: AsyncSession) -> Sequence[SourceOverview]:
    """Every source with its number of posts and the time of its last one, by name."""
    query = _overviews().order_by(SourceRow.name)
    return [SourceOverview(_source(row), posts, last) for row, posts, last in await session.execute(query)]


async def of_bot(session: AsyncSession, public_bot_id: int) -> Sequence[SourceOverview]:
    """The same of the sources of one public bot, in its order."""
    query = (
        _overviews()
        .join(PublicBotSourceRow, PublicBotSourceRow.source_id == SourceRow.id)
        .where(PublicBotSourceRow.public_bot_id == public_bot_id)
        .order_by(PublicBotSourceRow.position)
    )
    return [SourceOverview(_source(row), posts, last) for row, posts, last in await session.execute(query)]


def _overviews() -> Select[SourceRow, int, datetime | None]:
    last = select(func.max(PostRow.published_at)).where(PostRow.source_id == SourceRow.id).scalar_subquery()
    return select(SourceRow, SourceRow.post_count, last)


async def _ensure(
    session: AsyncSession,
    *,
    name: str,
    kind: SourceKind,
    title: str,
    now: datetime,
    chat_id: int | None = None,
    username: str | None = None,
    home_channel: str | None = None,
    added_by: int | None = None,
) -> bool:
    """Make a source, unless there is one of that name or chat. False: there is."""
    row = {
        "name": name,
        "kind": kind,
        "title": title,
        "chat_id": chat_id,
        "username": username,
        "home_channel": home_channel,
        "added_by": added_by,
        "created_at": now,
    }
    statement = insert(session, SourceRow).values(row).on_conflict_do_nothing().returning(SourceRow.id)
    return (await session.execute(statement)).scalar_one_or_none() is not None


def _source(row: SourceRow) -> Source:
    return Source(
        id=row.id,
        name=row.name,
        kind=SourceKind(row.kind),
        title=row.title,
        chat_id=row.chat_id,
        username=row.username,
        home_channel=row.home_channel,
    )
