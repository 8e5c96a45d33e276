"""Making a digest again whose run came to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.errors import ForPeople
from pipeline.services.starting import Started, enter, new_run
from pipeline.toolbox import Toolbox
from storage import public_bots, runs
from storage.progress import of_runs
from storage.records import ActionKind, Actor, Run, RunProgress, RunState

IN_VAIN = frozenset({RunState.FAILED, RunState.CANCELLED})


async def retry_run(
    tools: Toolbox, run_id: int, actor: Actor, *, chat_id: int, message_id: int, language: str
) -> Started:
    """Start a run of the same public bot, period and limit, with a card in the chat that asked.

    Where a run of that public bot goes on, it is that one that is returned.

    Raises:
        ForPeople: there is no such run, it has not failed, or it was made again already.
    """
    now = tools.now()
    async with tools.database.write() as session:
        old = await _failed(session, run_id)
        bot = await public_bots.by_id(session, old.public_bot_id)
        assert bot is not None, f"run {run_id} is of a public bot that does not exist"
        new = replace(
            new_run(tools, bot, old.period, "operator", old.post_limit),
            chat_id=chat_id,
            message_id=message_id,
            requested_by=actor.id,
            deliver=old.deliver,
        )
        return await enter(session, new, now, actor, language, ActionKind.RETRY)


async def load_failed(tools: Toolbox) -> Sequence[RunProgress]:
    """The public bots' last runs, where they failed; newest first."""
    async with tools.database.read() as session:
        failed = [run for run in await runs.last_of_each_bot(session) if run.state is RunState.FAILED]
        return await of_runs(session, failed)


async def _failed(session: AsyncSession, run_id: int) -> Run:
    run = await runs.find(session, run_id)
    if run is None:
        raise ForPeople("run.unknown", run=run_id)
    if run.state is RunState.DONE:
        raise ForPeople("retry.has_succeeded", run=run_id)
    if run.state not in IN_VAIN:
        raise ForPeople("retry.goes_on", run=run_id)
    again = await runs.made_again(session, run)
    if again is not None and again.state.has_ended:
        raise ForPeople("retry.made_again", run=run_id, again=again.id)
    return run
