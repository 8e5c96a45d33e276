"""Which service does which kind of work: the one list that Celery's tasks and the local engine share."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from pipeline.log_marks import about, found_by, new_error_id, subject
from pipeline.meter import TaskOutcome
from pipeline.services.assembling import assemble
from pipeline.services.categorizing import categorize
from pipeline.services.delivering import deliver, free_lanes
from pipeline.services.planning import plan
from pipeline.services.recovering import recover_from_bug
from pipeline.services.summarizing import summarize
from pipeline.toolbox import Toolbox
from storage.database import AWAY, trouble
from storage.records import WorkKind
from storage.work import LostClaim

log = logging.getLogger(__name__)

SERVICES: Mapping[WorkKind, Callable[[Toolbox, int], Awaitable[bool | None]]] = {
    WorkKind.PLAN: plan,
    WorkKind.CATEGORIZE: categorize,
    WorkKind.SUMMARIZE: summarize,
    WorkKind.ASSEMBLE: assemble,
    WorkKind.DELIVER: deliver,
}


async def perform(tools: Toolbox, kind: WorkKind, work_id: int) -> bool:
    """Do a piece of work, if it is still to be done. A bug in it costs that work at most, never the process.

    False: it was nobody's to claim, as far as its kind tells.
    """
    with about(work=work_id):
        return await _perform(tools, kind, work_id)


async def _perform(tools: Toolbox, kind: WorkKind, work_id: int) -> bool:
    started, outcome = time.monotonic(), TaskOutcome.DONE
    try:
        if await SERVICES[kind](tools, work_id) is False:
            return False
    except LostClaim as error:
        outcome = TaskOutcome.LOST
        log.info("%s is no longer ours; its result is dropped.", error)
    except AWAY as error:
        outcome = TaskOutcome.DATABASE_AWAY
        log.warning("%s(%d) goes on when the database works again: %s.", kind, work_id, trouble(error))
    except asyncio.CancelledError:
        log.info("%s(%d) was handed back", kind, work_id)
        tools.meter.task_ended(kind.value, TaskOutcome.HANDED_BACK, time.monotonic() - started)
        raise
    except Exception:
        outcome = TaskOutcome.FAILED
        error_id = new_error_id()
        log.exception("%s(%d) failed; it is tried again in smaller pieces.", kind, work_id, extra=found_by(error_id))
        await recover_from_bug(tools, work_id, error_id)
    if subject().run is None:
        log.debug("%s(%d) was nobody's to claim.", kind, work_id)
    else:
        log.info("%s(%d) took %.2f s", kind, work_id, time.monotonic() - started)
    tools.meter.task_ended(kind.value, outcome, time.monotonic() - started)
    return True


async def perform_delivery(tools: Toolbox, digest_id: int) -> None:
    """Deliver a bite of whichever lane of this digest is free."""
    for work_id in await free_lanes(tools, digest_id):
        if await perform(tools, WorkKind.DELIVER, work_id):
            return
