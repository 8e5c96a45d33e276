"""Tells every operator of new faults, unasked, in private and in their language."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from pipeline.adapters.courier import BotCourier
from pipeline.errors import MessageRefused, Migrated, Retryable, TokenRefused, Uncertain, Unreachable
from pipeline.toolbox import Toolbox
from storage import operators, public_bots
from storage.database import trouble
from storage.records import Fault
from telegram_bot.pacing import Pace
from telegram_bot.views.troubles import render_faults
from telegram_bot.views.view import View
from texts import Texts

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
BETWEEN_NEWS_S = 10.0


class Herald:
    """Each fault is told at least once: what is interrupted or in doubt is told again.

    Faults that come at once share a message. An operator who cannot be written to holds up nobody, and is not told.
    """

    def __init__(self, tools: Toolbox, courier: BotCourier) -> None:
        self._tools = tools
        self._courier = courier
        self._pace = Pace()
        self._done: dict[int, set[int]] = {}  # by fault, the operators who know of it or cannot be told

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._look()
            except SQLAlchemyError as error:
                log.warning("The database does not work (%s); trying again.", trouble(error))
            except Exception:
                log.exception("Operators could not be told of faults.")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        settings = self._tools.settings.telegram
        async with self._tools.database.read() as session:
            faults = await operators.untold(session)
            if not faults or not settings.operator_ids:
                return
            languages = await operators.languages(session)
            titles = {bot.id: bot.title for bot in await public_bots.everyone(session)}
        await asyncio.gather(
            *(
                self._tell(operator_id, faults, titles, Texts(languages.get(operator_id), settings.language))
                for operator_id in settings.operator_ids
            )
        )
        await self._note_told(faults)

    async def _tell(self, operator_id: int, faults: Sequence[Fault], titles: dict[int, str], texts: Texts) -> None:
        new = [fault for fault in faults if operator_id not in self._done.setdefault(fault.id, set())]
        if not new or self._pace.left_s(operator_id) > 0:
            return
        self._pace.pause(operator_id, BETWEEN_NEWS_S)
        if await self._sent(operator_id, render_faults(new, titles, texts=texts, now=self._tools.now())):
            for fault in new:
                self._done[fault.id].add(operator_id)

    async def _sent(self, operator_id: int, news: View) -> bool:
        """False: it has to be sent again."""
        try:
            await self._courier.send(operator_id, **news.as_kwargs())
        except Retryable as error:
            self._pace.obey(operator_id, error.after_s or BETWEEN_NEWS_S)
            return False
        except (Uncertain, TokenRefused) as error:
            log.info("Operator %d may not have been told of faults: %s.", operator_id, error)
            return False
        except (Unreachable, Migrated, MessageRefused) as error:
            log.warning("Operator %d cannot be told of faults: %s.", operator_id, error)
        return True

    async def _note_told(self, faults: Sequence[Fault]) -> None:
        everyone = set(self._tools.settings.telegram.operator_ids)
        known = [fault.id for fault in faults if everyone <= self._done[fault.id]]
        if not known:
            return
        async with self._tools.database.write() as session:
            for fault_id in known:
                await operators.told(session, fault_id, self._tools.now())
        for fault_id in known:
            del self._done[fault_id]
