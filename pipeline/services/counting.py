"""Counting runs when they end: after the commit that ended them, by the process whose transition won."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError

from pipeline.toolbox import Toolbox
from storage import operators, runs
from storage.database import trouble
from storage.progress import posts_of_runs
from storage.records import Action, ActionKind, RunState

log = logging.getLogger(__name__)


class RunCounter:
    """Tells the meter of each run once, with its posts where they are in the end."""

    def __init__(self, tools: Toolbox) -> None:
        self._tools = tools

    async def count(self, ended: Mapping[int, str]) -> None:
        """Count these runs, which have ended in these states. Who stops meanwhile does not stop the counting."""
        await asyncio.shield(self._count(ended))

    async def _count(self, ended: Mapping[int, str]) -> None:
        try:
            async with self._tools.database.read() as session:
                posts = await posts_of_runs(session, ended)
                actions = await operators.actions_of_runs(session, ended)
                found = [await runs.get(session, run_id) for run_id in ended]
        except SQLAlchemyError as error:
            log.warning("%d runs that have ended are not counted in the metrics: %s.", len(ended), trouble(error))
            return
        for run in found:
            if any(_has_ended_before(action) for action in actions.get(run.id, ())):
                continue
            seconds = ((run.finished_at or self._tools.now()) - run.created_at).total_seconds()
            self._tools.meter.run_ended(run.bot_slug, RunState(ended[run.id]), seconds, posts.get(run.id, {}))


def _has_ended_before(action: Action) -> bool:
    """A digest that is sent once more, where it may not have arrived, begins and ends its run's delivery again."""
    return action.kind is ActionKind.RESEND and bool(action.details.get("ended_before"))
