"""How often strangers tried the admin bot, for the operators to see."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

from sqlalchemy.exc import SQLAlchemyError

from pipeline.toolbox import Toolbox
from storage import strangers

log = logging.getLogger(__name__)

WRITE_EVERY_S = 5.0
MOST_COUNTED = 10_000


class Strangers:
    """Counts in memory and writes down what was counted every few seconds: a flood does not load the database.

    Of more than `MOST_COUNTED` strangers within that time the rest are not counted.
    """

    def __init__(self, tools: Toolbox) -> None:
        self._tools = tools
        self._times: Counter[int] = Counter()

    def count(self, user_id: int) -> None:
        if user_id in self._times or len(self._times) < MOST_COUNTED:
            self._times[user_id] += 1

    async def run(self) -> None:
        """Until cancelled; whoever stops it writes down what is left."""
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            await self.write()

    async def write(self) -> None:
        """Write down what was counted since the last time; where the database does not answer it is kept."""
        counted = Counter(self._times)
        if not counted:
            return
        try:
            async with self._tools.database.write() as session:
                await strangers.note(session, counted, self._tools.now())
        except SQLAlchemyError as error:
            log.warning("Strangers could not be written down: %s", type(error).__name__)
        else:
            self._times -= counted
