"""Getting one bot's updates: confirmed after they were handled, in order within a chat, surviving every fault."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramConflictError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.types import Update
from aiogram.types.update import UpdateTypeLookupError
from pydantic import ValidationError

log = logging.getLogger(__name__)

LONG_POLL_S = 25
LONGEST_BACKOFF_S = 30.0
HANDLERS_GET_S = 5.0
DRAIN_S = 5.0


class Unauthorized(Exception):
    """Telegram does not know this token."""


class Poller:
    """Polls until cancelled.

    An update is confirmed by the next request, so that a crash in between repeats it; handlers are idempotent. A batch
    holds up the next one for `hold_s` seconds at most (default: five). Handlers get `data`.
    """

    def __init__(self, bot: Bot, dispatcher: Dispatcher, hold_s: float | None = None, **data: Any) -> None:
        self._bot = bot
        self._dispatcher = dispatcher
        self._hold_s = hold_s
        self._data = data
        self._offset: int | None = None
        self._taken: int | None = None
        self._running: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Raises: Unauthorized."""
        failures = 0
        while True:
            try:
                updates = await self._get()
            except (TelegramUnauthorizedError, TelegramNotFound):  # 404: what a malformed token gets
                raise Unauthorized from None
            except (TelegramAPIError, ClientDecodeError) as error:
                failures += 1
                await self._wait_after(error, failures)
                continue
            if failures:
                log.info("Telegram answers again.")
            failures = 0
            await self._handle(updates)

    async def drain(self) -> None:
        """Let running handlers finish and confirm what was handled; to be called when `run` has ended."""
        if self._running:
            await asyncio.wait(self._running.values(), timeout=DRAIN_S)
        if not self._running:
            self._offset = self._taken
        if self._offset is not None:
            try:
                await self._bot.get_updates(offset=self._offset, limit=1, timeout=0, request_timeout=3)
            except (TelegramAPIError, ClientDecodeError):
                log.info("The last updates could not be confirmed; they are handled again at the next start.")

    async def _get(self) -> Sequence[Update]:
        try:
            return await self._bot.get_updates(
                offset=self._offset,
                timeout=LONG_POLL_S,
                request_timeout=LONG_POLL_S + 15,
                allowed_updates=self._dispatcher.resolve_used_update_types(),
            )
        except ClientDecodeError as error:
            return self._one_by_one(error)

    def _one_by_one(self, error: ClientDecodeError) -> Sequence[Update]:
        """The updates of an answer that could not be read as a whole; what cannot be read alone either is left empty.

        Raises:
            ClientDecodeError: it is no list of updates.
        """
        result = error.data.get("result") if isinstance(error.data, dict) else None
        if not isinstance(result, list):
            raise error
        updates = []
        for raw in result:
            try:
                updates.append(Update.model_validate(raw, context={"bot": self._bot}))
            except ValidationError:
                log.error("Update %s cannot be read and is passed over.", raw["update_id"])
                updates.append(Update(update_id=raw["update_id"]))
        return updates

    async def _handle(self, updates: Sequence[Update]) -> None:
        if not updates:
            return
        chats: dict[int, list[Update]] = {}
        for update in updates:
            if (chat_id := _chat_of(update)) is not None:
                chats.setdefault(chat_id, []).append(update)
        for chat_id, of_one_chat in chats.items():
            task = asyncio.create_task(self._feed(of_one_chat, after=self._running.get(chat_id)))
            self._running[chat_id] = task
            task.add_done_callback(partial(self._forget, chat_id))
        self._taken = updates[-1].update_id + 1
        if chats:
            hold_s = HANDLERS_GET_S if self._hold_s is None else self._hold_s
            await asyncio.wait([self._running[chat_id] for chat_id in chats], timeout=hold_s)
        self._offset = self._taken

    def _forget(self, chat_id: int, task: asyncio.Task[None]) -> None:
        if self._running.get(chat_id) is task:
            del self._running[chat_id]

    async def _feed(self, updates: Sequence[Update], after: asyncio.Task[None] | None) -> None:
        if after is not None:
            await asyncio.wait([after])
        for update in updates:
            try:
                await self._dispatcher.feed_update(self._bot, update, **self._data)
            except Exception:
                log.exception("Update %d could not be handled.", update.update_id)

    async def _wait_after(self, error: Exception, failures: int) -> None:
        wait_s = min(2.0 ** (failures - 1), LONGEST_BACKOFF_S)
        if isinstance(error, TelegramRetryAfter):
            wait_s = float(error.retry_after)
        elif isinstance(error, TelegramConflictError):
            log.warning("Another program polls with this bot's token; trying again in %.0f s.", wait_s)
        elif failures == 1:
            log.warning("Telegram does not answer (%s); trying again.", type(error).__name__)
        await asyncio.sleep(wait_s)


def _chat_of(update: Update) -> int | None:
    """Updates with the same number are handled one after the other; others side by side. None: of an unknown kind."""
    try:
        event = update.event
    except UpdateTypeLookupError:
        return None
    chat = getattr(event, "chat", None) or getattr(getattr(event, "message", None), "chat", None)
    return chat.id if chat is not None else 0
