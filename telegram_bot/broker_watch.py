"""Whether the broker answers: a run whose broker went away stands still."""

from __future__ import annotations

import asyncio
import logging

from pipeline.errors import BrokerUnavailable
from pipeline.toolbox import Toolbox

log = logging.getLogger(__name__)

ASK_EVERY_S = 3.0


class BrokerWatch:
    """Asks beside the cards, for a broker may refuse slowly: first, while somebody needs it, and while it is away."""

    def __init__(self, tools: Toolbox) -> None:
        self._tools = tools
        self.is_needed = False
        self.answers = True

    async def run(self) -> None:
        """Until cancelled."""
        is_first = True
        while True:
            if self.is_needed or is_first or not self.answers:
                await self._ask()
            is_first = False
            await asyncio.sleep(ASK_EVERY_S)

    async def _ask(self) -> None:
        """What has changed is worth one line."""
        answered = self.answers
        try:
            await self._tools.doorbell.depths()
        except BrokerUnavailable as error:
            self.answers = False
            if answered:
                log.warning("Redis does not answer (%s): what needs it waits, or is done inside the bot.", error)
            return
        self.answers = True
        if not answered:
            log.info("Redis answers again.")
