"""The writer of cards: looks once a second for runs that have changed, and lets their cards be kept up to date.

There is one in the one bot process. What it must remember across a restart is in the rows of `storage.cards`.
"""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy.exc import SQLAlchemyError

from pipeline.adapters.courier import BotCourier
from pipeline.services.overview import someone_works_on
from pipeline.toolbox import Toolbox
from storage import cards, runs
from storage.database import trouble
from storage.progress import of_runs
from storage.records import Engine, RunProgress
from telegram_bot.broker_watch import BrokerWatch
from telegram_bot.card_keeper import CardKeeper, Service

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
FINISH_S = 5.0


class Board:
    """Shows runs in chats. One task a card and step, so that a slow chat holds up no other."""

    def __init__(self, tools: Toolbox, courier: BotCourier) -> None:
        self._tools = tools
        self._keeper = CardKeeper(tools, courier, self._look_after)
        self._broker = BrokerWatch(tools)
        self._wake = asyncio.Event()
        self._stopping = False
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def look(self) -> None:
        """Something has changed: look now, not at the end of this second."""
        self._wake.set()

    def stop(self) -> None:
        """Let `run` end."""
        self._stopping = True
        self.look()

    async def take_away(self, chat_id: int, message_id: int) -> None:
        """Delete a card that a newer one replaces; where that fails it stays, and does no harm."""
        await self._keeper.take_away(chat_id, message_id)

    async def run(self) -> None:
        """Until `stop`. What is being sent then gets five seconds to arrive, so that it is in no doubt afterwards."""
        watching = asyncio.create_task(self._broker.run())
        try:
            await self._look_until_stopped()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=FINISH_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _look_at_all(self) -> None:
        busy = set(self._tasks)  # before reading: a step that ends meanwhile makes what was read of its card outdated
        async with self._tools.database.read() as session:
            open_cards = [card for card in await cards.unannounced(session) if card.id not in busy]
            followed = [await runs.get(session, run_id) for run_id in {card.run_id for card in open_cards}]
            progress = {one.run.id: one for one in await of_runs(session, followed)}
        served = {run_id: await self._service(one) for run_id, one in progress.items()}
        self._broker.is_needed = any(_is_remote(one) for one in progress.values())
        for card in open_cards:
            task = asyncio.create_task(self._keeper.attend(card, progress[card.run_id], served[card.run_id]))
            self._tasks[card.id] = task
            task.add_done_callback(lambda _, card_id=card.id: self._tasks.pop(card_id))  # type: ignore[misc]

    async def _service(self, progress: RunProgress) -> Service:
        if not _is_remote(progress):
            return Service(worker=True, broker=True)
        return Service(await someone_works_on(self._tools, progress.run.id), self._broker.answers)

    def _look_after(self, seconds: float) -> None:
        """Look when a pause ends, where that is before the next look anyway."""
        if seconds <= 0:
            self.look()
        elif seconds < LOOK_EVERY_S:
            asyncio.get_running_loop().call_later(seconds, self.look)

    async def _look_until_stopped(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                await self._look_at_all()
            except SQLAlchemyError as error:
                log.warning("The database does not work (%s); trying again.", trouble(error))
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                continue


def _is_remote(progress: RunProgress) -> bool:
    """Whether workers do this run, and it is not over."""
    return progress.run.engine is Engine.CELERY and not progress.run.state.has_ended
