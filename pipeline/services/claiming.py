"""Holding a piece of work: claimed when entered, and handed back when what is done with it does not come to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from pipeline.fault_points import reach
from pipeline.services.advancing import ring_or_leave_it
from pipeline.toolbox import Toolbox
from storage import ringing, runs, work
from storage.database import AWAY, trouble
from storage.records import Work
from storage.work import LostClaim

log = logging.getLogger(__name__)

AFTER_DATABASE_ERROR = timedelta(seconds=5)


@asynccontextmanager
async def holding(tools: Toolbox, work_id: int) -> AsyncIterator[Work | None]:
    """The claim of this work, or None where there is nothing to claim. Its lease is renewed while the block lasts.

    What is asked of a model and has killed a process before has this process for itself, as far as models are asked.
    A cancelled block hands the work back at once; one that the database failed hands it back for a little later, and
    where even that fails the lease runs out by itself. Neither counts against the work.
    """
    async with _company(tools, await _suspicion(tools, work_id)):
        claimed = await _claim(tools, work_id)
        if claimed is None:
            yield None
            return
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


async def _suspicion(tools: Toolbox, work_id: int) -> bool | None:
    """Whether this work has killed a process; None: it asks no model."""
    async with tools.database.read() as session:
        return await work.is_suspect(session, work_id)


def _company(tools: Toolbox, is_suspect: bool | None) -> AbstractAsyncContextManager[None]:
    if is_suspect is None:
        return nullcontext()
    return tools.solitude.alone() if is_suspect else tools.solitude.side_by_side()


async def _claim(tools: Toolbox, work_id: int) -> Work | None:
    """Claimed whole or not at all: a cancellation in between hands back what was claimed."""
    claiming = asyncio.ensure_future(_claim_now(tools, work_id))
    try:
        return await asyncio.shield(claiming)
    except asyncio.CancelledError:
        claimed = await claiming
        if claimed is not None:
            await _hand_back(tools, claimed, timedelta(), "its process was stopped")
        raise


async def _claim_now(tools: Toolbox, work_id: int) -> Work | None:
    reach("claim.before")
    async with tools.database.write() as session:
        claimed = await work.claim(session, work_id, tools.owner, tools.now())
    if claimed is not None:
        reach("claim.after")
    return claimed


async def _hand_back(tools: Toolbox, claimed: Work, delay: timedelta, reason: str) -> None:
    """What may be claimed again at once is rung for at once."""
    now = tools.now()
    with contextlib.suppress(LostClaim, SQLAlchemyError):
        async with tools.database.write() as session:
            await runs.lock(session, claimed.run_id)
            await work.put_off(session, claimed, now + delay, reason=reason)
            rings = await ringing.to_ring(session, claimed.run_id, now)
        await ring_or_leave_it(tools, rings)
