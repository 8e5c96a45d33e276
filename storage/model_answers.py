"""Answers of models, kept so that nobody pays twice for the same question."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Executable, bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.inserting import insert_for
from storage.models import ModelAnswerRow
from storage.models.base import table_of

_ANSWER = table_of(ModelAnswerRow).c
_KEPT = select(_ANSWER.key, _ANSWER.answer).where(_ANSWER.key.in_(bindparam("keys", expanding=True)))
KEPT_FOR = timedelta(days=60)


async def find(session: AsyncSession, keys: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
    """The kept answers among these, by key."""
    return {row.key: row.answer for row in await session.execute(_KEPT, {"keys": sorted(keys)})}


async def keep(session: AsyncSession, answers: Mapping[str, Mapping[str, Any]], now: datetime) -> None:
    """Keep these answers; a newer one replaces an older."""
    if not answers:
        return
    rows = [{"key": key, "answer": dict(answer), "asked_at": now} for key, answer in sorted(answers.items())]
    connection = await session.connection()
    await connection.execute(_keep(connection.dialect.name), rows)


@cache
def _keep(dialect: str) -> Executable:
    statement = insert_for(dialect, ModelAnswerRow)
    return statement.on_conflict_do_update(
        index_elements=["key"], set_={"answer": statement.excluded.answer, "asked_at": statement.excluded.asked_at}
    )


async def forget_old(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(ModelAnswerRow).where(ModelAnswerRow.asked_at < now - KEPT_FOR))
