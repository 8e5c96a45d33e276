"""Who reads a public bot: people, groups and channels. A chat that left is kept, so that it can return as it was."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from storage.inserting import insert
from storage.models import DeliveryRow, InvitationRow, SubscriberRow
from storage.records import ChatKind, DeliveryState, Subscriber, SubscriberState, Unreached
from storage.runs import changed_rows


async def subscribe(
    session: AsyncSession,
    public_bot_id: int,
    chat_id: int,
    language: str,
    now: datetime,
    *,
    kind: ChatKind = ChatKind.PRIVATE,
    title: str | None = None,
    invitation_id: int | None = None,
) -> bool:
    """Let a chat read a public bot. False: it does already.

    Whoever was here before comes back with the language and the topics they had, and keeps the invitation they first
    came with.
    """
    row = {
        "public_bot_id": public_bot_id,
        "chat_id": chat_id,
        "kind": kind,
        "title": title,
        "language": language,
        "state": SubscriberState.ACTIVE,
        "invitation_id": invitation_id,
        "created_at": now,
        "changed_at": now,
    }
    statement = insert(session, SubscriberRow).values(row).on_conflict_do_nothing().returning(SubscriberRow.id)
    if (await session.execute(statement)).scalar_one_or_none() is not None:
        return True
    which = _of_chat(public_bot_id, chat_id) & (SubscriberRow.state != SubscriberState.ACTIVE)
    return await _change(session, which, state=SubscriberState.ACTIVE, reason=None, changed_at=now)


async def offer(
    session: AsyncSession,
    public_bot_id: int,
    chat_id: int,
    kind: ChatKind,
    title: str,
    language: str,
    now: datetime,
) -> bool:
    """A group or channel took the bot in; operators are to be asked. False: it reads already, or they are asked."""
    row = {
        "public_bot_id": public_bot_id,
        "chat_id": chat_id,
        "kind": kind,
        "title": title,
        "language": language,
        "state": SubscriberState.OFFERED,
        "created_at": now,
        "changed_at": now,
    }
    statement = insert(session, SubscriberRow).values(row).on_conflict_do_nothing().returning(SubscriberRow.id)
    if (await session.execute(statement)).scalar_one_or_none() is not None:
        return True
    settled = (SubscriberState.ACTIVE, SubscriberState.OFFERED)
    which = _of_chat(public_bot_id, chat_id) & SubscriberRow.state.not_in(settled)
    values = {"title": title, "kind": kind, "reason": None, "asked_at": None, "changed_at": now}
    return await _change(session, which, state=SubscriberState.OFFERED, **values)


async def unasked(session: AsyncSession) -> Sequence[Subscriber]:
    """Groups and channels that operators were not asked about yet."""
    query = (
        select(SubscriberRow)
        .where(SubscriberRow.state == SubscriberState.OFFERED, SubscriberRow.asked_at.is_(None))
        .order_by(SubscriberRow.id)
    )
    return [_subscriber(row) for row in (await session.execute(query)).scalars()]


async def asked(session: AsyncSession, subscriber_id: int, now: datetime) -> None:
    await _change(session, SubscriberRow.id == subscriber_id, asked_at=now)


async def decide(session: AsyncSession, subscriber_id: int, now: datetime, *, accept: bool) -> bool:
    """Let an offered group or channel read, or not. False: somebody has decided already, or it has left."""
    which = (SubscriberRow.id == subscriber_id) & (SubscriberRow.state == SubscriberState.OFFERED)
    state = SubscriberState.ACTIVE if accept else SubscriberState.DECLINED
    return await _change(session, which, state=state, changed_at=now)


async def stop(session: AsyncSession, public_bot_id: int, chat_id: int, now: datetime) -> bool:
    """The reader wants no more. False: they did not read anyway."""
    which = _of_chat(public_bot_id, chat_id) & (SubscriberRow.state == SubscriberState.ACTIVE)
    return await _change(session, which, state=SubscriberState.STOPPED, reason=None, changed_at=now)


async def retire(session: AsyncSession, public_bot_id: int, chat_id: int, reason: Unreached, now: datetime) -> bool:
    """This chat cannot be written to. False: it did not read anyway."""
    which = _of_chat(public_bot_id, chat_id) & SubscriberRow.state.in_(
        (SubscriberState.ACTIVE, SubscriberState.OFFERED)
    )
    return await _change(session, which, state=SubscriberState.RETIRED, reason=reason, changed_at=now)


async def come_back(session: AsyncSession, public_bot_id: int, chat_id: int, now: datetime) -> bool:
    """A person lifted their block: they read again, unless they had said /stop. False: nothing has changed."""
    which = (
        _of_chat(public_bot_id, chat_id)
        & (SubscriberRow.state == SubscriberState.RETIRED)
        & (SubscriberRow.reason == Unreached.BLOCKED)
    )
    return await _change(session, which, state=SubscriberState.ACTIVE, reason=None, changed_at=now)


async def move(session: AsyncSession, old_chat_id: int, new_chat_id: int, now: datetime) -> None:
    """A group became a supergroup: every public bot that it reads finds it under its new id from now on.

    Where the new id is known already, the old one is retired; a question about the new one that operators have answered
    for the old one is answered.
    """
    moved = select(SubscriberRow.public_bot_id).where(SubscriberRow.chat_id == new_chat_id)
    old = SubscriberRow.chat_id == old_chat_id
    await _answer_as_before(session, old_chat_id, new_chat_id, now)
    await session.execute(
        update(SubscriberRow)
        .where(old, SubscriberRow.public_bot_id.not_in(moved))
        .values(chat_id=new_chat_id, kind=ChatKind.SUPERGROUP, changed_at=now)
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        update(SubscriberRow)
        .where(old)
        .values(state=SubscriberState.RETIRED, reason=Unreached.NOT_FOUND, changed_at=now)
        .execution_options(synchronize_session=False)
    )
    waiting = (DeliveryState.PENDING, DeliveryState.UNKNOWN)
    has_new = select(DeliveryRow.digest_id).where(DeliveryRow.chat_id == new_chat_id)
    await session.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.chat_id == old_chat_id,
            DeliveryRow.state.in_(waiting),
            DeliveryRow.digest_id.not_in(has_new),
        )
        .values(chat_id=new_chat_id)
        .execution_options(synchronize_session=False)
    )


async def _answer_as_before(session: AsyncSession, old_chat_id: int, new_chat_id: int, now: datetime) -> None:
    before = aliased(SubscriberRow)
    answer = (
        select(before.state)
        .where(
            before.public_bot_id == SubscriberRow.public_bot_id,
            before.chat_id == old_chat_id,
            before.state.in_((SubscriberState.ACTIVE, SubscriberState.DECLINED)),
        )
        .correlate(SubscriberRow)
        .scalar_subquery()
    )
    await session.execute(
        update(SubscriberRow)
        .where(
            SubscriberRow.chat_id == new_chat_id,
            SubscriberRow.state == SubscriberState.OFFERED,
            answer.is_not(None),
        )
        .values(state=answer, changed_at=now)
        .execution_options(synchronize_session=False)
    )


async def set_left_out(session: AsyncSession, subscriber_id: int, categories: Collection[str]) -> None:
    await _change(session, SubscriberRow.id == subscriber_id, left_out=sorted(categories) or None)


async def set_language(session: AsyncSession, public_bot_id: int, chat_id: int, language: str) -> bool:
    return await _change(session, _of_chat(public_bot_id, chat_id), language=language)


async def forget(session: AsyncSession, public_bot_id: int, chat_id: int) -> bool:
    """Erase everything that is kept of a reader. False: nothing was."""
    # Locked first, so that a delivery which begins meanwhile is seen, or does not see the reader any more.
    ids = select(SubscriberRow.id).where(_of_chat(public_bot_id, chat_id))
    subscriber_id = (await session.execute(ids.with_for_update())).scalar_one_or_none()
    if subscriber_id is None:
        return False
    await session.execute(delete(DeliveryRow).where(DeliveryRow.subscriber_id == subscriber_id))
    await session.execute(delete(SubscriberRow).where(SubscriberRow.id == subscriber_id))
    return True


async def by_chat(session: AsyncSession, public_bot_id: int, chat_id: int) -> Subscriber | None:
    row = (await session.execute(select(SubscriberRow).where(_of_chat(public_bot_id, chat_id)))).scalar_one_or_none()
    return _subscriber(row) if row else None


async def by_id(session: AsyncSession, subscriber_id: int) -> Subscriber | None:
    row = await session.get(SubscriberRow, subscriber_id)
    return _subscriber(row) if row else None


async def with_origins(session: AsyncSession, public_bot_id: int) -> Sequence[tuple[Subscriber, str | None]]:
    """Everybody who reads a public bot or did, with the origin of their invitation, in the order they came."""
    query = (
        select(SubscriberRow, InvitationRow.origin)
        .outerjoin(InvitationRow, InvitationRow.id == SubscriberRow.invitation_id)
        .where(SubscriberRow.public_bot_id == public_bot_id)
        .order_by(SubscriberRow.id)
    )
    return [(_subscriber(row), origin) for row, origin in await session.execute(query)]


async def count_active(session: AsyncSession, public_bot_ids: Collection[int]) -> Mapping[int, int]:
    """How many chats read each of these public bots now."""
    query = (
        select(SubscriberRow.public_bot_id, func.count())
        .where(SubscriberRow.public_bot_id.in_(sorted(public_bot_ids)), SubscriberRow.state == SubscriberState.ACTIVE)
        .group_by(SubscriberRow.public_bot_id)
    )
    found = dict(list(await session.execute(query)))
    return {bot_id: found.get(bot_id, 0) for bot_id in public_bot_ids}


def _of_chat(public_bot_id: int, chat_id: int) -> ColumnElement[bool]:
    return (SubscriberRow.public_bot_id == public_bot_id) & (SubscriberRow.chat_id == chat_id)


async def _change(session: AsyncSession, which: ColumnElement[bool], **values: object) -> bool:
    statement = update(SubscriberRow).where(which).values(**values).execution_options(synchronize_session=False)
    return changed_rows(await session.execute(statement)) == 1


def _subscriber(row: SubscriberRow) -> Subscriber:
    return Subscriber(
        id=row.id,
        public_bot_id=row.public_bot_id,
        chat_id=row.chat_id,
        kind=ChatKind(row.kind),
        title=row.title,
        language=row.language,
        state=SubscriberState(row.state),
        reason=row.reason,
        left_out=tuple(row.left_out or ()),
        invitation_id=row.invitation_id,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )
