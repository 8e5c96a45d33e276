"""The readers of a public bot in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import SubscriberRow
from storage.records import Audience, ChatKind, SubscriberState, Turnover, Unreached

READS = SubscriberRow.state == SubscriberState.ACTIVE
HAS_GONE = SubscriberRow.state.in_((SubscriberState.STOPPED, SubscriberState.RETIRED))


async def count(
    session: AsyncSession, public_bot_id: int, now: datetime, spans: Sequence[int], day_ends: Sequence[datetime]
) -> Audience:
    """The audience at `now`, with who came and went in each of `spans` (days), and its size at each of `day_ends`."""
    kinds, languages, gone = Counter[ChatKind](), Counter[str](), Counter[str]()
    offered = 0
    query = (
        select(SubscriberRow.state, SubscriberRow.kind, SubscriberRow.language, SubscriberRow.reason, func.count())
        .where(SubscriberRow.public_bot_id == public_bot_id)
        .group_by(SubscriberRow.state, SubscriberRow.kind, SubscriberRow.language, SubscriberRow.reason)
    )
    for state, kind, language, reason, number in await session.execute(query):
        match state:
            case SubscriberState.ACTIVE:
                kinds[ChatKind(kind)] += number
                languages[language] += number
            case SubscriberState.STOPPED:
                gone[Unreached.STOPPED] += number
            case SubscriberState.RETIRED:
                gone[reason or Unreached.REFUSED] += number
            case SubscriberState.OFFERED:
                offered += number
    return Audience(
        kinds=kinds,
        languages=languages,
        gone=gone,
        offered=offered,
        turnover=tuple([await _turnover(session, public_bot_id, now, days) for days in spans]),
        growth=await _sizes(session, public_bot_id, day_ends),
    )


async def _turnover(session: AsyncSession, public_bot_id: int, now: datetime, days: int) -> Turnover:
    since = now - timedelta(days=days)
    came = (READS | HAS_GONE) & (SubscriberRow.created_at >= since)
    went = HAS_GONE & (SubscriberRow.changed_at >= since)
    return Turnover(days, *await _numbers(session, public_bot_id, [came, went]))


async def _sizes(session: AsyncSession, public_bot_id: int, day_ends: Sequence[datetime]) -> tuple[int, ...]:
    read_then = [
        (SubscriberRow.created_at <= end) & (READS | (HAS_GONE & (SubscriberRow.changed_at > end))) for end in day_ends
    ]
    return await _numbers(session, public_bot_id, read_then)


async def _numbers(
    session: AsyncSession, public_bot_id: int, conditions: Sequence[ColumnElement[bool]]
) -> tuple[int, ...]:
    """How many subscribers meet each of these conditions, of which there is one at least."""
    columns = [func.count(case((condition, 1))) for condition in conditions]
    query = select(*columns).where(SubscriberRow.public_bot_id == public_bot_id)
    return tuple((await session.execute(query)).one())
