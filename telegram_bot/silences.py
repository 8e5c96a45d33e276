"""How long Telegram wants public bots to be silent, kept where it outlives Redis."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import BrokerUnavailable
from pipeline.toolbox import Toolbox
from storage import public_bots
from storage.database import trouble

log = logging.getLogger(__name__)


class Silences:
    """Told to the shared limiter, which may forget, and written down, which may be slow."""

    def __init__(self, tools: Toolbox) -> None:
        self._tools = tools

    async def begin(self, public_bot_id: int, seconds: float) -> None:
        """Telegram wants this bot to be silent from now on; whoever sends in its name is to know."""
        try:
            await self._tools.limiter.pause(public_bot_id, seconds)
        except BrokerUnavailable as error:
            log.warning("The silence of public bot %d is in the database alone: %s", public_bot_id, error)
        try:
            async with self._tools.database.write() as session:
                await public_bots.park(session, public_bot_id, self._tools.now() + timedelta(seconds=seconds))
        except SQLAlchemyError as error:
            log.warning("The silence of public bot %d could not be written down: %s", public_bot_id, trouble(error))

    async def renew(self, parked: Mapping[int, datetime]) -> None:
        """Tell the limiter of every silence that lasts, by public bot: it may have been emptied meanwhile."""
        for public_bot_id, until in parked.items():
            try:
                await self._tools.limiter.pause(public_bot_id, (until - self._tools.now()).total_seconds())
            except BrokerUnavailable:
                return
