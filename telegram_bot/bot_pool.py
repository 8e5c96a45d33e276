"""All public bots side by side: each is started, stopped and fails on its own, while the process runs on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aiogram.exceptions import ClientDecodeError, TelegramAPIError
from sqlalchemy.exc import SQLAlchemyError

from pipeline.log_marks import about, found_by, new_error_id
from pipeline.services.bugs import report_bug
from pipeline.toolbox import Toolbox
from storage import operators, public_bots
from storage.database import trouble
from storage.records import BotToken
from telegram_bot.public_bot_server import KEY_LOST, PublicBotServer, TokenFault
from telegram_bot.silences import Silences
from texts import Texts

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
TRY_KEY_EVERY_S = 60.0
STEADY_S = 60.0
LONGEST_BACKOFF_S = 300.0


@dataclass
class _Place:
    token: BotToken
    task: asyncio.Task[None]


class BotPool:
    """Looks every two seconds which public bots are to be served: those with a usable token that are not paused.

    A token that cannot be used stops its own bot until another one is applied, and operators are told once; where only
    the key is missing, the bot starts by itself when it is back.
    """

    def __init__(self, tools: Toolbox, server: PublicBotServer) -> None:
        self._tools = tools
        self._server = server
        self._silences = Silences(tools)
        self._places: dict[int, _Place] = {}
        self._ending: dict[int, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()
        self._one_fault_at_a_time = asyncio.Lock()
        self._try_key_at = 0.0

    def stop(self) -> None:
        """Let `run` end."""
        self._stopping.set()

    async def run(self) -> None:
        """Until `stop`, then until every bot's handlers have finished and its updates are confirmed."""
        try:
            while not self._stopping.is_set():
                try:
                    await self._look()
                except SQLAlchemyError as error:
                    log.warning("The database does not work (%s); trying again.", trouble(error))
                except Exception:
                    log.exception("The public bots could not be looked after.")
                await self._sleep(LOOK_EVERY_S)
            self._end([*self._places])
            await asyncio.gather(*self._ending.values(), return_exceptions=True)
        finally:
            await self._abandon()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _abandon(self) -> None:
        """What is left when the pool itself is cancelled."""
        left = [*self._ending.values(), *(place.task for place in self._places.values())]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._server.close()

    async def _look(self) -> None:
        ended = [bot_id for bot_id, place in self._places.items() if place.task.done()]
        async with self._tools.database.read() as session:
            tokens = await public_bots.to_serve(session)
            parked = await public_bots.parked(session, self._tools.now())
        for bot_id in ended:
            del self._places[bot_id]
        wanted = {token.public_bot_id: token for token in tokens if token.fault is None}
        self._end(self._places.keys() - wanted.keys())
        self._end(self._changed(wanted))
        for bot_id in wanted.keys() - self._places.keys():
            self._start(wanted[bot_id])
        await self._try_key([token for token in tokens if token.fault == KEY_LOST])
        await self._silences.renew(parked)

    def _changed(self, wanted: Mapping[int, BotToken]) -> Collection[int]:
        """The bots whose token is another one now; one that was only applied again goes on."""
        changed = []
        for bot_id, place in self._places.items():
            token = wanted[bot_id]
            if token.encrypted == place.token.encrypted or self._server.is_the_same(token, place.token):
                place.token = token
            else:
                changed.append(bot_id)
        return changed

    def _start(self, token: BotToken) -> None:
        before = self._ending.get(token.public_bot_id)
        with about(bot=token.slug):
            task = asyncio.create_task(self._keep_serving(token, before))
            log.info("The public bot is being served.")
        self._places[token.public_bot_id] = _Place(token, task)

    def _end(self, bot_ids: Collection[int]) -> None:
        for bot_id in bot_ids:
            place = self._places.pop(bot_id)
            place.task.cancel()
            self._ending[bot_id] = place.task
            place.task.add_done_callback(lambda task, bot_id=bot_id: self._forget(bot_id, task))  # type: ignore[misc]
            with about(bot=place.token.slug):
                log.info("The public bot is not served any more.")

    def _forget(self, bot_id: int, task: asyncio.Task[None]) -> None:
        if self._ending.get(bot_id) is task:
            del self._ending[bot_id]

    async def _keep_serving(self, token: BotToken, before: asyncio.Task[None] | None) -> None:
        """Until cancelled, or the token turns out to be no good."""
        if before is not None:
            await asyncio.wait([before])
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await self._serve(token)
                return
            except (SQLAlchemyError, TelegramAPIError, ClientDecodeError) as error:
                log.warning("The public bot cannot be served (%s); trying again.", type(error).__name__)
            except Exception:
                error_id = new_error_id()
                log.exception("The public bot cannot be served; trying again.", extra=found_by(error_id))
                await self._report_bug(token, error_id)
            failures = 1 if time.monotonic() - began > STEADY_S else failures + 1
            await asyncio.sleep(min(2.0**failures, LONGEST_BACKOFF_S))

    async def _report_bug(self, token: BotToken, error_id: str) -> None:
        try:
            await report_bug(self._tools, "faults.serving_bug", error_id, public_bot_id=token.public_bot_id)
        except SQLAlchemyError as error:
            log.warning("Operators are not told of it: the database does not work (%s).", trouble(error))

    async def _serve(self, token: BotToken) -> None:
        try:
            await self._server.serve(token)
        except TokenFault as fault:
            await self._note(token, fault.message_id)

    async def _note(self, token: BotToken, message_id: str) -> None:
        """Tell the operators, once; a lost key is one fault, however many bots it stops."""
        log.error("The public bot is not served: %s", Texts("en").say(message_id, {}))
        whose = None if message_id == KEY_LOST else token.public_bot_id
        async with self._one_fault_at_a_time, self._tools.database.write() as session:
            if await public_bots.set_token_fault(session, token.public_bot_id, message_id, token.encrypted):
                await operators.report(session, message_id, self._tools.now(), public_bot_id=whose)

    async def _try_key(self, tokens: Collection[BotToken]) -> None:
        """Bots whose key is back are served from the next look on."""
        if not tokens or time.monotonic() < self._try_key_at:
            return
        self._try_key_at = time.monotonic() + TRY_KEY_EVERY_S
        for token in tokens:
            if self._server.can_open(token):
                async with self._tools.database.write() as session:
                    await public_bots.set_token_fault(session, token.public_bot_id, None, token.encrypted)
