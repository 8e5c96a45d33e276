"""The end of a run in a chat: the digest in messages of its own, or why there is none. Nothing arrives twice."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from pipeline.adapters.courier import BotCourier
from pipeline.errors import Retryable, Uncertain
from pipeline.services.following import load_digest
from pipeline.stages.rendering import render_digest
from pipeline.toolbox import Toolbox
from storage import cards
from storage.records import Card, RunProgress, RunState
from telegram_bot.pacing import Pace
from telegram_bot.views.choices import render_part_in_doubt
from telegram_bot.views.failure import render_failure
from texts import Texts

log = logging.getLogger(__name__)

PRIVATE_INTERVAL_S = 1.0
GROUP_INTERVAL_S = 3.0


class Announcer:
    """Sends what a finished run has for its chat, part by part; each is marked before it is sent.

    A part whose sending began and was never confirmed is not sent again by itself: the operator is told, with a button.
    """

    def __init__(self, tools: Toolbox, courier: BotCourier, pace: Pace) -> None:
        self._tools = tools
        self._courier = courier
        self._pace = pace

    async def announce(self, card: Card, progress: RunProgress) -> None:
        """Send the next part that was not sent yet, and close the card after the last one.

        Raises:
            Retryable: certainly not sent; go on later.
            Uncertain: the operator could not be told of a part in doubt; go on later.
            Unreachable: this chat cannot be written to.
        """
        self._pace.pause(card.chat_id, GROUP_INTERVAL_S if card.chat_id < 0 else PRIVATE_INTERVAL_S)
        parts = await self._parts(card, progress)
        if (number := card.parts_sent) < len(parts):
            if number == card.part_in_doubt:
                await self._tell_doubt(card, number)
            else:
                await self._send(card, number, parts[number])
        if number + 1 >= len(parts):
            async with self._tools.database.write() as session:
                await cards.announced(session, card.id, self._tools.now())

    async def _parts(self, card: Card, progress: RunProgress) -> Sequence[dict[str, Any]]:
        run = progress.run
        if run.state is RunState.FAILED:
            return [render_failure(run, texts=Texts(card.language)).as_kwargs()]
        digest = await load_digest(self._tools, run.id) if run.state is RunState.DONE else None
        if digest is None:
            return []
        texts = Texts(digest.language)
        note = Texts(card.language).get("digest.offline_note") if run.provider == "offline" else None
        return [message.as_kwargs() for message in render_digest(digest, texts, note)]

    async def _send(self, card: Card, number: int, message: dict[str, Any]) -> None:
        async with self._tools.database.write() as session:
            is_ours = await cards.sending(session, card.id, number)
        if not is_ours:
            return
        try:
            await self._courier.send(card.chat_id, **message)
        except Retryable:
            async with self._tools.database.write() as session:
                await cards.not_sent(session, card.id)
            raise
        except Uncertain as error:
            log.warning("Part %d of run %d to chat %d: %s.", number + 1, card.run_id, card.chat_id, error)
            await self._tell_doubt(card, number)
            return
        async with self._tools.database.write() as session:
            await cards.sent(session, card.id, number)

    async def _tell_doubt(self, card: Card, number: int) -> None:
        """Say which part may be missing; this itself may arrive twice, which does no harm."""
        view = render_part_in_doubt(card.run_id, number + 1, texts=Texts(card.language))
        await self._courier.send(card.chat_id, **view.as_kwargs())
        async with self._tools.database.write() as session:
            await cards.sent(session, card.id, number)
