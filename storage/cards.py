"""Cards: what each chat that follows a run was shown, and how much of the digest it was sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.inserting import insert
from storage.models import CardRow
from storage.records import Card
from storage.runs import changed_rows


async def ensure(session: AsyncSession, run_id: int, chat_id: int, language: str, now: datetime) -> bool:
    """Let a chat follow a run. False: it does already."""
    row = {
        "run_id": run_id,
        "chat_id": chat_id,
        "language": language,
        "shown_version": 0,
        "is_final": False,
        "is_gone": False,
        "parts_sent": 0,
        "created_at": now,
    }
    statement = insert(session, CardRow).values(row).on_conflict_do_nothing().returning(CardRow.id)
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def show_again(session: AsyncSession, run_id: int, chat_id: int) -> int | None:
    """Let the card come anew at the end of the chat; the id of the message it was, unless the run was announced."""
    which = (CardRow.run_id == run_id) & (CardRow.chat_id == chat_id) & CardRow.announced_at.is_(None)
    message_id = (await session.execute(select(CardRow.message_id).where(which))).scalar_one_or_none()
    if message_id is not None:
        await _change(session, which, message_id=None, shown_version=0, is_final=False, is_gone=False)
    return message_id


async def unannounced(session: AsyncSession) -> Sequence[Card]:
    """Cards whose run goes on or whose end was not announced yet, oldest first."""
    query = select(CardRow).where(CardRow.announced_at.is_(None)).order_by(CardRow.id)
    rows = (await session.execute(query.execution_options(populate_existing=True))).scalars()
    return [_card(row) for row in rows]


async def shown(
    session: AsyncSession, card_id: int, version: int, replaced: int | None, message_id: int, *, is_final: bool
) -> None:
    """The chat has been shown the run at this version, unless the card was to come anew meanwhile."""
    same = CardRow.message_id.is_(None) if replaced is None else CardRow.message_id == replaced
    which = (CardRow.id == card_id) & same
    await _change(session, which, shown_version=version, message_id=message_id, is_final=is_final)


async def gone(session: AsyncSession, card_id: int, message_id: int) -> None:
    """The message was deleted by a person: the card is not edited any more, unless it was to come anew meanwhile."""
    await _change(session, (CardRow.id == card_id) & (CardRow.message_id == message_id), is_gone=True)


async def sending(session: AsyncSession, card_id: int, part: int) -> bool:
    """A part of the digest is about to be sent; committed before the call, so that a part in doubt is never doubled.

    False: somebody else has sent it or is at it; do not send.
    """
    due = (CardRow.parts_sent == part) & CardRow.part_in_doubt.is_(None) & CardRow.announced_at.is_(None)
    return await _change(session, (CardRow.id == card_id) & due, part_in_doubt=part)


async def sent(session: AsyncSession, card_id: int, part: int) -> None:
    """The part has arrived, or its fate has been told; the next one is due."""
    which = (CardRow.id == card_id) & (CardRow.part_in_doubt == part)
    await _change(session, which, parts_sent=part + 1, part_in_doubt=None)


async def not_sent(session: AsyncSession, card_id: int) -> None:
    """Certain: the part did not arrive. It is due again."""
    await _change(session, CardRow.id == card_id, part_in_doubt=None)


async def announced(session: AsyncSession, card_id: int, now: datetime) -> None:
    await _change(session, CardRow.id == card_id, announced_at=now)


async def send_again(session: AsyncSession, run_id: int, chat_id: int) -> bool:
    """Send the digest once more. False: this chat does not follow that run, or was not sent everything yet."""
    query = select(CardRow.id).where(
        CardRow.run_id == run_id, CardRow.chat_id == chat_id, CardRow.announced_at.is_not(None)
    )
    card_id = (await session.execute(query)).scalar_one_or_none()
    if card_id is None:
        return False
    await _change(session, CardRow.id == card_id, announced_at=None, parts_sent=0, part_in_doubt=None)
    return True


async def _change(session: AsyncSession, which: ColumnElement[bool], **values: object) -> bool:
    return changed_rows(await session.execute(update(CardRow).where(which).values(**values))) == 1


def _card(row: CardRow) -> Card:
    return Card(
        id=row.id,
        run_id=row.run_id,
        chat_id=row.chat_id,
        message_id=row.message_id,
        language=row.language,
        shown_version=row.shown_version,
        parts_sent=row.parts_sent,
        part_in_doubt=row.part_in_doubt,
        is_final=row.is_final,
        is_gone=row.is_gone,
    )
