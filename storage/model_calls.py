"""What was asked of models: one row for each request, with the work that it was for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import ModelCallRow
from storage.models.base import table_of
from storage.records import ModelCall

_ADD = insert(table_of(ModelCallRow))


async def add(session: AsyncSession, run_id: int, calls: Mapping[int, Sequence[ModelCall]], now: datetime) -> None:
    """Write these calls down, which are given by work id."""
    rows = [
        {"run_id": run_id, "work_id": work_id, "called_at": now, **asdict(call)}
        for work_id, of_work in calls.items()
        for call in of_work
    ]
    if rows:
        await (await session.connection()).execute(_ADD, rows)
