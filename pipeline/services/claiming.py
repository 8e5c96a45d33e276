"""Holding a piece of work: claimed when entered, and handed back when what is done with it does not come to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from pipeline.fault_points import reach
from pipeline.log_marks import note
from pipeline.services.advancing import ring_or_leave_it
from pipeline.toolbox import Toolbox
from storage import ringing, runs, work
from storage.database import AWAY, trouble
from storage.records import Work
from storage.work import LostClaim

log = logging.getLogger(__name__)

AFTER_DATABASE_ERROR = timedelta(seconds=5)

Claim = Callable[[Toolbox, int], Awaitable[Work | None]]


async def _claim_whatever(tools: Toolbox, work_id: int) -> Work | None:
    async with tools.database.write(is_quick=True) as session:
        return await work.claim(session, work_id, tools.owner, tools.now())


async def _claim_innocent(tools: Toolbox, work_id: int) -> Work | None:
    """With others that are to be claimed at this moment."""
    return await tools.coalescer.ask("claim", work_id, partial(_claim_innocents, tools), fail_together=AWAY)


async def _claim_innocents(tools: Toolbox, work_ids: Sequence[int]) -> Sequence[Work | None]:
    async with tools.database.write(is_quick=True) as session:
        claimed = await work.claim_innocent(session, work_ids, tools.owner, tools.now())
    return [claimed.pop(work_id, None) for work_id in work_ids]  # rung for twice, claimed once


@asynccontextmanager
async def holding(tools: Toolbox, work_id: int, *, asks_a_model: bool = False) -> AsyncIterator[Work | None]:
    """The claim of this work, or None where there is nothing to claim. Its lease is renewed while the block lasts.

    What is asked of a model and has killed a process before has this process for itself, as far as models are asked.
    A cancelled block hands the work back at once; one that the database failed hands it back for a little later, and
    where even that fails the lease runs out by itself. Neither counts against the work.
    """
    async with AsyncExitStack() as company:
        claimed = await (_claim_in_company(tools, work_id, company) if asks_a_model else _claim(tools, work_id))
        if claimed is None:
            yield None
            return
        note(run=claimed.run_id, bot=claimed.bot_slug)
        tools.in_hand.add(claimed.id)
        try:
            yield claimed
        except asyncio.CancelledError:
            await asyncio.shield(_hand_back(tools, claimed, timedelta(), "its process was stopped"))
            raise
        except AWAY as error:
            log.warning("The work waits for the database: %s.", trouble(error))
            await _hand_back(tools, claimed, AFTER_DATABASE_ERROR, "the database failed")
        finally:
            tools.in_hand.discard(claimed.id)


async def _claim_in_company(tools: Toolbox, work_id: int, company: AsyncExitStack) -> Work | None:
    """Side by side with others, or alone where it has killed a process; so it stays until the company is left."""
    async with AsyncExitStack() as with_others:
        await with_others.enter_async_context(tools.solitude.side_by_side())
        claimed = await _claim(tools, work_id, _claim_innocent)
        if claimed is not None:
            company.push_async_exit(with_others.pop_all())
            return claimed
    async with tools.database.read(is_quick=True) as session:
        if not await work.is_suspect(session, work_id):
            return None
    await company.enter_async_context(tools.solitude.alone())
    return await _claim(tools, work_id)


async def _claim(tools: Toolbox, work_id: int, claim: Claim = _claim_whatever) -> Work | None:
    """Claimed whole or not at all: a cancellation in between hands back what was claimed."""
    claiming = asyncio.ensure_future(_claim_now(tools, work_id, claim))
    try:
        return await asyncio.shield(claiming)
    except asyncio.CancelledError:
        claimed = await claiming
        if claimed is not None:
            await _hand_back(tools, claimed, timedelta(), "its process was stopped")
        raise


async def _claim_now(tools: Toolbox, work_id: int, claim: Claim) -> Work | None:
    reach("claim.before")
    claimed = await claim(tools, work_id)
    if claimed is not None:
        reach("claim.after")
    return claimed


async def _hand_back(tools: Toolbox, claimed: Work, delay: timedelta, reason: str) -> None:
    """What may be claimed again at once is rung for at once."""
    now = tools.now()
    with contextlib.suppress(LostClaim, SQLAlchemyError):
        async with tools.database.write() as session:
            await runs.hold(session, claimed.run_id)
            await work.put_off(session, claimed, now + delay, reason=reason)
            rings = await ringing.to_ring(session, claimed.run_id, now)
        await ring_or_leave_it(tools, rings)
