"""Starting what a schedule wants: each slot's run once, however many look, and after a downtime the latest only."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.errors import BrokerUnavailable
from pipeline.log_marks import about, found_by, new_error_id
from pipeline.meter import TickAction
from pipeline.services.advancing import let_operators_follow
from pipeline.services.bugs import report_bug
from pipeline.services.starting import new_run, ring_for, store_run, usual_period
from pipeline.stages.schedule import UnusableCron
from pipeline.stages.slots import LONGEST_LEAD, due_slot, lead
from pipeline.toolbox import Toolbox
from storage import digests, operators, public_bots, run_posts, runs, slots, work
from storage.database import AWAY, trouble
from storage.records import PublicBot, Run, RunState
from storage.slots import Scheduled

log = logging.getLogger(__name__)

ORIGIN = "schedule"
LAST_DIGESTS = 5
NOTICE_SUPERSEDED = "superseded"


class _Occupied(Exception):
    """Another run of this public bot goes on: the slot stays due, and nothing is changed."""


async def start_due_runs(tools: Toolbox) -> None:
    """Start a run for every public bot whose schedule wants one. What fails for one is no affair of the others."""
    now = tools.now()
    async with tools.database.read() as session:
        near = [bot for bot in await slots.scheduled(session) if _is_near(bot, now)]
        leads = [lead(await digests.making_times(session, bot.public_bot_id, LAST_DIGESTS)) for bot in near]
    for bot, early in zip(near, leads, strict=True):
        with about(bot=bot.slug):
            try:
                await _attend(tools, bot, now, early)
            except AWAY as error:
                log.warning("The schedule waits for the database: %s.", trouble(error))
            except Exception:
                error_id = new_error_id()
                log.exception("The schedule could not be kept; it is tried again.", extra=found_by(error_id))
                await report_bug(tools, "faults.schedule_bug", error_id, public_bot_id=bot.public_bot_id)


def _is_near(bot: Scheduled, now: datetime) -> bool:
    """Whether its run may start now, with the longest lead there is. Where that cannot be told it is looked into."""
    try:
        return _due(bot, now, LONGEST_LEAD) is not None
    except (UnusableCron, ZoneInfoNotFoundError):
        return True


def _due(bot: Scheduled, now: datetime, early: timedelta) -> datetime | None:
    return due_slot(bot.cron, bot.timezone, since=bot.since, last=bot.last, now=now, lead=early)


async def _attend(tools: Toolbox, bot: Scheduled, now: datetime, early: timedelta) -> None:
    try:
        due = _due(bot, now, early)
    except UnusableCron:
        await _report_unusable(tools, bot)
        return
    run = await _take(tools, bot, due) if due is not None else None
    if run is None:
        return
    tools.meter.tick_did(TickAction.STARTED, 1)
    try:
        await ring_for(tools, run)
    except BrokerUnavailable as error:
        with about(run=run.id):
            log.warning("The broker cannot be reached (%s); the scheduled run waits for it.", error)


async def _take(tools: Toolbox, seen: Scheduled, due: datetime) -> Run | None:
    """The slot and its run in one transaction. None: there is nothing to do, or not now."""
    try:
        async with tools.database.write() as session:
            bot = await public_bots.by_id(session, seen.public_bot_id)
            if bot is None or bot.is_paused or bot.schedule_since != seen.since:
                return None
            if not await slots.take(session, bot.id, due, tools.now()):
                return None
            if not bot.spec.sources:
                params = {"slug": bot.slug}
                await operators.report(session, "schedule.no_sources", tools.now(), public_bot_id=bot.id, params=params)
                return None
            return await _start(session, tools, bot, due)
    except _Occupied:
        return None


async def _start(session: AsyncSession, tools: Toolbox, bot: PublicBot, due: datetime) -> Run:
    """Raises: _Occupied."""
    now = tools.now()
    await _give_up_draft(session, bot, now)
    period = await usual_period(session, tools, bot, now)
    run, is_new = await store_run(session, replace(new_run(tools, bot, period, ORIGIN), publish_at=due), now)
    if not is_new:
        raise _Occupied
    await slots.made_by(session, bot.id, due, run.id)
    await let_operators_follow(session, tools, run, now)
    return run


async def _give_up_draft(session: AsyncSession, bot: PublicBot, now: datetime) -> None:
    """A draft that nobody has decided about makes room for the next digest; its posts stay free."""
    waiting = {RunState.AWAITING_APPROVAL}
    for run in await runs.going_on(session, bot.id):
        ended = {"finished_at": now, "notice": NOTICE_SUPERSEDED}
        if await runs.transition(session, run.id, waiting, RunState.CANCELLED, now, **ended):
            await work.cancel_all(session, run.id)
            await run_posts.drop_unfinished(session, run.id)


async def _report_unusable(tools: Toolbox, bot: Scheduled) -> None:
    """An earlier version has stored what this one does not take."""
    params = {"slug": bot.slug, "schedule": bot.cron}
    async with tools.database.write() as session:
        await operators.report(
            session, "schedule.unusable", tools.now(), public_bot_id=bot.public_bot_id, params=params
        )
