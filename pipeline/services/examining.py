"""Checks side by side: each has its own deadline, and none blocks or breaks the others."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.checks.finding import Findings, Subject, fault

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Check:
    """Looks at one subject, within so many seconds."""

    subject: Subject
    within_s: float
    look: Callable[[], Awaitable[Findings]]


class Examination:
    """Begins with all checks at once. `close` ends those that still go on, and whatever they share."""

    def __init__(self, checks: Sequence[Check], close: Callable[[], Awaitable[None]]) -> None:
        self.subjects: Sequence[Subject] = [check.subject for check in checks]
        self._tasks = {check.subject: asyncio.create_task(_examine(check)) for check in checks}
        self._close = close

    async def of(self, subject: Subject) -> Findings:
        """What was found of this subject, as soon as it is known."""
        return await asyncio.shield(self._tasks[subject])

    async def wait(self, timeout_s: float) -> bool:
        """Wait so long, or until every check has ended. Whether they have."""
        _, pending = await asyncio.wait(self._tasks.values(), timeout=timeout_s)
        return not pending

    def so_far(self) -> Mapping[Subject, Findings]:
        """What is known by now, in the order of the subjects."""
        return {subject: task.result() for subject, task in self._tasks.items() if task.done()}

    async def close(self) -> None:
        await _end(self._tasks.values())
        await self._close()


async def _examine(check: Check) -> Findings:
    """What a check finds; that it does not answer, or fails itself, is a finding, too."""
    try:
        async with asyncio.timeout(check.within_s):
            return await check.look()
    except TimeoutError:
        return [fault("health.no_answer", seconds=round(check.within_s))]
    except Exception as error:
        # A terminal, which shows warnings, is spared the traceback.
        log.info("The check of %s failed.", check.subject.value, exc_info=True)
        return [fault("health.unexpected", error=f"{type(error).__name__} in {_place(error)}")]


def _place(error: Exception) -> str:
    """Where it was raised: the last line of the way there, never what the error says, which may be a secret."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


async def _end(tasks: Collection[asyncio.Task[Findings]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
