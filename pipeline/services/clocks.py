"""How far this machine's clock is from those of whom it works with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from pipeline.checks.seen import BrokerRefused
from pipeline.errors import BrokerUnavailable
from pipeline.instruments import Instruments
from storage.database import Database
from storage.looking import clock_of

ANSWERS_WITHIN_S = 5.0

Clock = Callable[[], Awaitable[datetime | None]]


async def compare(instruments: Instruments) -> dict[str, timedelta]:
    """By how much ours is ahead of each that answers in time, by its name."""
    others = _others(instruments)
    skews = await asyncio.gather(*(_ahead_of(clock, instruments.now) for clock in others.values()))
    return {name: skew for name, skew in zip(others, skews, strict=True) if skew is not None}


def _others(instruments: Instruments) -> dict[str, Clock]:
    clocks: dict[str, Clock] = {}
    broker, opened = instruments.broker, instruments.database
    if broker is not None:
        clocks["Redis"] = broker.time
    if opened is not None and not opened.is_sqlite:
        clocks["PostgreSQL"] = lambda: _of_server(opened)
    clocks["Telegram"] = lambda: instruments.http.date_of(instruments.settings.telegram.api_url)
    llm = instruments.settings.llm
    if llm.chosen_provider == "openai" and llm.base_url:
        clocks[urlsplit(llm.base_url).hostname or llm.model] = lambda: instruments.http.date_of(llm.base_url)
    return clocks


async def _ahead_of(clock: Clock, now: Callable[[], datetime]) -> timedelta | None:
    """What is said is taken for the moment in the middle of asking."""
    before = now()
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            there = await clock()
    except (BrokerUnavailable, BrokerRefused, SQLAlchemyError, TimeoutError):
        return None
    return before + (now() - before) / 2 - there if there is not None else None


async def _of_server(database: Database) -> datetime:
    async with database.read() as session:
        return await clock_of(session)
