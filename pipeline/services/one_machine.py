"""An SQLite file is for the processes of one machine: who comes from another one is turned away."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from pipeline.errors import AnotherMachine
from pipeline.toolbox import Toolbox
from storage import workers

LOOK_EVERY_S = 1.0
LOOKS = 5  # whoever lives gives a sign every three seconds at least


async def refuse_another_machine(tools: Toolbox) -> None:
    """Signs of life from other machines are watched for some seconds: those of the dead, and those from before this
    machine was started again, stay what they are.

    Raises:
        AnotherMachine: a process there works with this SQLite file.
    """
    others = OtherMachines(tools)
    for look in range(LOOKS):
        if look > 0:
            await asyncio.sleep(LOOK_EVERY_S)
        if not await others.look():
            return


class OtherMachines:
    """Looks for processes on other machines from time to time."""

    def __init__(self, tools: Toolbox) -> None:
        self._tools = tools
        self._before: Mapping[str, datetime] = {}

    async def look(self) -> bool:
        """Whether there are any signs of such processes.

        Raises:
            AnotherMachine: since the last look, one of them has given a sign of life.
        """
        now = await _signs(self._tools)
        before, self._before = self._before, now
        _refuse_what_moved(before, now)
        return bool(now)


async def _signs(tools: Toolbox) -> Mapping[str, datetime]:
    machine = workers.machine_of(tools.owner)
    if machine is None or not tools.database.is_sqlite:
        return {}
    async with tools.database.read() as session:
        return await workers.signs_of_others(session, machine, tools.now())


def _refuse_what_moved(before: Mapping[str, datetime], now: Mapping[str, datetime]) -> None:
    for name, at in now.items():
        if name in before and at != before[name]:
            raise AnotherMachine(name)
