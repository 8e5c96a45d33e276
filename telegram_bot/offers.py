"""Asks operators whether a group or channel that took a public bot in is to get its digests."""

from __future__ import annotations

import asyncio
import logging
import time

from sqlalchemy.exc import SQLAlchemyError

from pipeline.adapters.courier import BotCourier
from pipeline.errors import MessageRefused, Migrated, Retryable, TokenRefused, Uncertain, Unreachable
from pipeline.services.admitting import Offer, note_asked, unasked_offers
from pipeline.toolbox import Toolbox
from storage import operators
from storage.database import trouble
from telegram_bot.views.chats import render_chat_offer
from texts import Texts

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
NOBODY_LISTENS_S = 60.0


class Offers:
    """Every operator is asked in private, in their language, one question after the other.

    An operator who cannot be written to is left out, unless none can; what a restart interrupts is asked again.
    """

    def __init__(self, tools: Toolbox, courier: BotCourier) -> None:
        self._tools = tools
        self._courier = courier
        self._have_it: dict[int, set[int]] = {}
        self._silent_until = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                if time.monotonic() >= self._silent_until:
                    await self._look()
            except SQLAlchemyError as error:
                log.warning("The database does not work (%s); trying again.", trouble(error))
            except Exception:
                log.exception("Operators could not be asked about a chat.")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        """One question a look, so that no operator gets more than one a second."""
        for offer in (await unasked_offers(self._tools))[:1]:
            asked = self._have_it.setdefault(offer.chat.id, set())
            try:
                await self._ask_all(offer, asked)
            except Retryable as error:
                self._silent_until = time.monotonic() + (error.after_s or LOOK_EVERY_S)
                return
            if asked:
                await note_asked(self._tools, offer.chat.id)
                del self._have_it[offer.chat.id]
            else:
                log.warning("No operator can be asked about a chat: somebody must start the admin bot.")
                self._silent_until = time.monotonic() + NOBODY_LISTENS_S

    async def _ask_all(self, offer: Offer, asked: set[int]) -> None:
        """Raises: Retryable: the rest of them later."""
        async with self._tools.database.read() as session:
            languages = await operators.languages(session)
        settings = self._tools.settings.telegram
        for operator_id in settings.operator_ids:
            if operator_id in asked:
                continue
            texts = Texts(languages.get(operator_id), settings.language)
            try:
                await self._courier.send(operator_id, **render_chat_offer(offer, texts=texts).as_kwargs())
            except Uncertain:
                log.info("Operator %d may not have been asked about a chat.", operator_id)
            except (Unreachable, Migrated, MessageRefused, TokenRefused) as error:
                log.info("Operator %d was not asked about a chat: %s.", operator_id, error)
                continue
            asked.add(operator_id)
