"""Invitation codes: where readers come from, and how many came with each."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.inserting import insert
from storage.models import InvitationRow, SubscriberRow
from storage.records import Invitation, SubscriberState

CODE_BYTES = 9  # twelve characters of A-Za-z0-9_-; the payload of /start may have 64


async def invite(
    session: AsyncSession, public_bot_id: int, origin: str, created_by: int | None, now: datetime
) -> tuple[Invitation, bool]:
    """The invitation for readers of this origin, and whether it was made just now, with a code that tells nothing."""
    row = {
        "public_bot_id": public_bot_id,
        "code": secrets.token_urlsafe(CODE_BYTES),
        "origin": origin,
        "created_by": created_by,
        "created_at": now,
    }
    statement = insert(session, InvitationRow).values(row).on_conflict_do_nothing().returning(InvitationRow.id)
    is_new = (await session.execute(statement)).scalar_one_or_none() is not None
    of_origin = (InvitationRow.public_bot_id == public_bot_id) & (InvitationRow.origin == origin)
    found, came, reading = (await session.execute(_counted().where(of_origin))).one()
    return _invitation(found, came, reading), is_new


async def id_of(session: AsyncSession, public_bot_id: int, code: str) -> int | None:
    """The invitation that this code belongs to; None where this public bot has none such."""
    query = select(InvitationRow.id).where(InvitationRow.public_bot_id == public_bot_id, InvitationRow.code == code)
    return (await session.execute(query)).scalar_one_or_none()


async def of_bot(session: AsyncSession, public_bot_id: int) -> Sequence[Invitation]:
    """All invitations of a public bot with their counts, oldest first. Whoever had their data erased counts no more."""
    query = _counted().where(InvitationRow.public_bot_id == public_bot_id).order_by(InvitationRow.id)
    return [_invitation(row, came, reading) for row, came, reading in await session.execute(query)]


def _counted() -> Select[InvitationRow, int, int]:
    reading = case((SubscriberRow.state == SubscriberState.ACTIVE, SubscriberRow.id))
    return (
        select(InvitationRow, func.count(SubscriberRow.id), func.count(reading))
        .outerjoin(SubscriberRow, SubscriberRow.invitation_id == InvitationRow.id)
        .group_by(InvitationRow.id)
    )


def _invitation(row: InvitationRow, came: int, reading: int) -> Invitation:
    return Invitation(row.id, row.public_bot_id, row.code, row.origin, came, reading)
