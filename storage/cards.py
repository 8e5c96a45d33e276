"""Cards: what each chat that follows a run was shown, and how much of the digest it was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, update
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


async def move_below_draft(session: AsyncSession, card_id: int) -> bool:
    """Let the card come anew, under the draft that was sent meanwhile. False: it is there already."""
    which = (CardRow.id == card_id) & CardRow.is_below_draft.is_(False) & CardRow.announced_at.is_(None)
    anew = {"message_id": None, "shown_version": 0, "is_final": False, "is_gone": False}
    return await _change(session, which, is_below_draft=True, **anew)


async def give_up(session: AsyncSession, card_id: int) -> None:
    """Telegram does not take this card: it is not shown any more; the digest still comes."""
    await _change(session, CardRow.id == card_id, is_gone=True)


async def move(session: AsyncSession, old_chat_id: int, new_chat_id: int) -> None:
    """The chat has a new id, under which its messages have other ids: open cards come anew there.

    Where the new chat follows a run already, the card of the old one is forgotten.
    """
    there = select(CardRow.run_id).where(CardRow.chat_id == new_chat_id)
    here = CardRow.chat_id == old_chat_id
    await session.execute(delete(CardRow).where(here, CardRow.run_id.in_(there)))
    anew = {"message_id": None, "shown_version": 0, "is_final": False, "is_gone": False}
    await session.execute(update(CardRow).where(here).values(chat_id=new_chat_id, **anew))


async def reopen(session: AsyncSession, run_id: int) -> None:
    """The run goes on after its end: its cards follow it again, and what was sent of the digest stays sent."""
    values = {"announced_at": None, "is_final": False}
    await session.execute(update(CardRow).where(CardRow.run_id == run_id).values(**values))


async def of_run(session: AsyncSession, run_id: int) -> Mapping[int, str]:
    """The chats that follow a run, with the language of each card."""
    rows = (await session.execute(select(CardRow).where(CardRow.run_id == run_id))).scalars()
    return {row.chat_id: row.language for row in rows}


async def send_again(session: AsyncSession, run_id: int, chat_id: int) -> bool:
    """Send the digest once more. False: this chat does not follow that run, or was not sent everything yet."""
    has_everything = CardRow.announced_at.is_not(None) | CardRow.is_below_draft.is_(True)
    query = select(CardRow.id).where(CardRow.run_id == run_id, CardRow.chat_id == chat_id, has_everything)
    card_id = (await session.execute(query)).scalar_one_or_none()
    if card_id is None:
        return False
    again = {"announced_at": None, "parts_sent": 0, "part_in_doubt": None, "is_below_draft": False}
    await _change(session, CardRow.id == card_id, **again)
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
        is_below_draft=row.is_below_draft,
    )
