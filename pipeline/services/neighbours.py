"""Two installations on one Redis would take each other's messages: who comes second is told and turned away."""

from __future__ import annotations

import asyncio
import logging

from pipeline.errors import BrokerUnavailable, ForeignRedis
from pipeline.ports import Neighbour
from pipeline.toolbox import Toolbox
from storage import installation, operators
from storage.looking import place_of

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
FOREIGN = "installation.foreign_redis"


async def refuse_foreign_redis(tools: Toolbox) -> None:
    """Show our name in Redis. A name that is no longer renewed is waited out; a Redis that is away stops nobody.

    Raises:
        ForeignRedis: another installation works there.
    """
    name, before = await _name(tools), None
    while (there := await _neighbour(tools, name)) is not None:
        if before is not None and (there.name != before.name or there.left_s > before.left_s):
            raise ForeignRedis(place_of(tools.database.url))
        if before is None:
            log.warning("Another installation's name stands in this Redis; waiting whether it still works.")
        before = there
        await asyncio.sleep(LOOK_EVERY_S)


class Neighbourhood:
    """Keeps our name in Redis, and tells the operators once when another one has come to stand there."""

    def __init__(self, tools: Toolbox) -> None:
        self._tools = tools
        self._name: str | None = None
        self._is_foreign = False

    async def look(self) -> None:
        if self._name is None:
            self._name = await _name(self._tools)
        is_foreign = await _neighbour(self._tools, self._name) is not None
        if is_foreign and not self._is_foreign:
            log.error("Another installation works with this Redis: give one of them another redis.url.")
            async with self._tools.database.write() as session:
                await operators.report(session, FOREIGN, self._tools.now())
        self._is_foreign = is_foreign


async def _name(tools: Toolbox) -> str:
    async with tools.database.write() as session:
        return await installation.name(session)


async def _neighbour(tools: Toolbox, name: str) -> Neighbour | None:
    if tools.nameplate is None:
        return None
    try:
        return await tools.nameplate.show(name)
    except BrokerUnavailable:
        return None
