"""The digest in a chat, in messages of its own, or why there is none. Nothing arrives twice."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from pipeline.adapters.courier import BotCourier
from pipeline.errors import MessageRefused, Migrated, Retryable, TokenRefused, Uncertain
from pipeline.services.following import load_digest
from pipeline.stages.rendering import render_digest
from pipeline.toolbox import Toolbox
from storage import cards
from storage.database import trouble
from storage.records import Card, Run, RunProgress, RunState
from telegram_bot.pacing import Pace
from telegram_bot.views.choices import render_part_in_doubt, render_part_refused
from telegram_bot.views.failure import render_failure
from texts import Texts

log = logging.getLogger(__name__)

PRIVATE_INTERVAL_S = 1.0
GROUP_INTERVAL_S = 3.0
HAS_SOMETHING_TO_SEND = frozenset({RunState.AWAITING_APPROVAL, RunState.DELIVERING, RunState.DONE, RunState.FAILED})


class Announcer:
    """Sends what a run has for a chat that follows it, part by part; each is marked before it is sent.

    A part whose sending began and was never confirmed is not sent again by itself: the operator is told, with a button.
    """

    def __init__(self, tools: Toolbox, courier: BotCourier, pace: Pace) -> None:
        self._tools = tools
        self._courier = courier
        self._pace = pace
        self._totals: dict[tuple[int, bool], int] = {}
        self._settled: dict[int, tuple[int, bool]] = {}  # by card, a part of known fate: whether it is done with

    def has_more(self, card: Card, run: Run) -> bool:
        """Whether the run has something that this chat was not sent yet; True until `send_next` has looked."""
        total = self._totals.get(_key(card, run))
        return run.state in HAS_SOMETHING_TO_SEND and (total is None or card.parts_sent < total)

    async def send_next(self, card: Card, progress: RunProgress) -> None:
        """Send the next part that was not sent yet, where there is one.

        Raises:
            Retryable, TokenRefused: certainly not sent; go on later.
            Uncertain: the operator could not be told of a part in doubt; go on later.
            Migrated: certainly not sent; the chat has another id.
            Unreachable: this chat cannot be written to.
        """
        if card.id in self._settled:
            await self._write_down(card)
            return
        self._take_turn(card)
        parts = await self._parts(card, progress)
        self._totals[_key(card, progress.run)] = len(parts)
        if (number := card.parts_sent) >= len(parts):
            return
        if number == card.part_in_doubt:
            await self._tell_doubt(card, number)
        else:
            await self._send(card, number, parts[number])

    def forget(self, card: Card) -> None:
        """The card is closed."""
        for has_failed in (False, True):
            self._totals.pop((card.id, has_failed), None)

    async def _parts(self, card: Card, progress: RunProgress) -> Sequence[dict[str, Any]]:
        run = progress.run
        failure = [render_failure(run, texts=Texts(card.language)).as_kwargs()] if run.state is RunState.FAILED else []
        digest = await load_digest(self._tools, run.id)
        if digest is None:
            return failure
        needs_note = run.provider == "offline" and not digest.is_quiet
        note = Texts(card.language).get("digest.offline_note") if needs_note else None
        messages = render_digest(digest, Texts(digest.language), note)
        return [*(message.as_kwargs() for message in messages), *failure]

    async def _send(self, card: Card, number: int, message: dict[str, Any]) -> None:
        async with self._tools.database.write() as session:
            is_ours = await cards.sending(session, card.id, number)
        if not is_ours:
            return
        self._take_turn(card)  # once more: the database may have taken its time
        try:
            await self._courier.send(card.chat_id, **message)
        except (Retryable, Migrated, TokenRefused):
            await self._settle(card, number, is_done=False)
            raise
        except Uncertain as error:
            log.warning("Part %d to chat %d: %s.", number + 1, card.chat_id, error)
            await self._tell_doubt(card, number)
            return
        except MessageRefused as error:
            log.error("Part %d to chat %d: %s.", number + 1, card.chat_id, error)
            view = render_part_refused(number + 1, str(error), texts=Texts(card.language))
            await self._courier.send(card.chat_id, **view.as_kwargs())
        await self._settle(card, number, is_done=True)

    def _take_turn(self, card: Card) -> None:
        """From now on, whatever else there is for this chat waits."""
        self._pace.pause(card.chat_id, GROUP_INTERVAL_S if card.chat_id < 0 else PRIVATE_INTERVAL_S)

    async def _tell_doubt(self, card: Card, number: int) -> None:
        """Say which part may be missing; this itself may arrive twice, which does no harm."""
        view = render_part_in_doubt(card.run_id, number + 1, texts=Texts(card.language))
        await self._courier.send(card.chat_id, **view.as_kwargs())
        await self._settle(card, number, is_done=True)

    async def _settle(self, card: Card, number: int, *, is_done: bool) -> None:
        """What is known of a part is written down, where that fails before anything else is sent here."""
        self._settled[card.id] = number, is_done
        try:
            await self._write_down(card)
        except SQLAlchemyError as error:
            log.warning("What became of part %d is not saved yet: %s.", number + 1, trouble(error))

    async def _write_down(self, card: Card) -> None:
        number, is_done = self._settled[card.id]
        async with self._tools.database.write() as session:
            await (cards.sent(session, card.id, number) if is_done else cards.not_sent(session, card.id))
        del self._settled[card.id]


def _key(card: Card, run: Run) -> tuple[int, bool]:
    """A run that fails has one message more than before."""
    return card.id, run.state is RunState.FAILED
