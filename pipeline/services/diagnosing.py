"""What `/errors` tells: faults, runs that failed, posts that were set aside, deliveries that are in doubt."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.toolbox import Toolbox
from storage import doubts, operators, public_bots, run_posts, runs, strangers
from storage.progress import of_runs
from storage.records import ENDED, Doubt, PostStatus, Run, RunProgress, RunState, RunTrouble, Troubles

LAST_FAULTS = 10
LAST_RUNS = 20
FIRST_DOUBTS = 5


async def load_troubles(tools: Toolbox) -> Troubles:
    """The last faults, what went wrong in the last runs, and how often strangers came."""
    async with tools.database.read() as session:
        troubled = [one for one in await of_runs(session, await _last_runs(session)) if _is_troubled(one)]
        failures = {(one.run.id, one.run.failure.message_id) for one in troubled if one.run.failure}
        faults = await operators.last_faults(session, LAST_FAULTS)
        bots = await public_bots.everyone(session)
        return Troubles(
            faults=tuple(fault for fault in faults if (fault.run_id, fault.message_id) not in failures),
            runs=tuple([await _explained(session, one) for one in troubled]),
            titles={bot.id: bot.title for bot in bots},
            strangers=await strangers.of_the_last_day(session, tools.now()),
        )


async def _last_runs(session: AsyncSession) -> list[Run]:
    found = [
        *await runs.going_on(session),
        *await runs.recent(session, ENDED, LAST_RUNS),
        *await runs.recent(session, {RunState.FAILED}, LAST_FAULTS),
    ]
    return sorted({run.id: run for run in found}.values(), key=lambda run: run.id, reverse=True)


def _is_troubled(progress: RunProgress) -> bool:
    uncertain = progress.delivery.uncertain if progress.delivery else 0
    return progress.run.state is RunState.FAILED or progress.count(PostStatus.SET_ASIDE) + uncertain > 0


async def _explained(session: AsyncSession, progress: RunProgress) -> RunTrouble:
    run_id = progress.run.id
    reason: str | None = None
    listed: tuple[Doubt, ...] = ()
    if progress.count(PostStatus.SET_ASIDE):
        reason = next(iter((await run_posts.set_aside_reasons(session, run_id)).values()), None)
    if progress.delivery and progress.delivery.uncertain:
        listed = tuple(await doubts.listed(session, run_id, FIRST_DOUBTS))
    return RunTrouble(progress, reason, listed)
