"""Answers that take their time: a message says at once that something is looked into, and is edited to the answer.

Whoever asked always gets an end: an error ends in words, and a bot that stops says that it did.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from pipeline.adapters.courier import BotCourier
from pipeline.errors import MessageGone, MessageRefused, Migrated, Retryable, TokenRefused, Uncertain, Unreachable
from telegram_bot.problems import view_of
from telegram_bot.views.health import render_broken_off
from telegram_bot.views.view import View
from texts import Texts

log = logging.getLogger(__name__)

PRIVATE_INTERVAL_S = 2.0
GROUP_INTERVAL_S = 3.0
TRIES = 4
FAREWELL_S = 3.0

Views = AsyncGenerator[View, None]


class Errands:
    """Any number side by side, each about one message."""

    def __init__(self, courier: BotCourier) -> None:
        self._courier = courier
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, chat_id: int, message_id: int, views: Views, texts: Texts) -> None:
        """From now on let the message, which was just sent, look like each of the views, one after the other."""
        task = asyncio.create_task(self._run(Notice(self._courier, chat_id, message_id), views, texts))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Break off what goes on; it says so."""
        running = [*self._running]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _run(self, notice: Notice, views: Views, texts: Texts) -> None:
        try:
            async with aclosing(views):
                async for view in views:
                    await notice.show(view)
        except asyncio.CancelledError:
            await notice.show_at_once(render_broken_off(texts))
        except Exception as error:  # noqa: BLE001 - it is logged where it is put into words
            await notice.show(view_of(error, texts))


class Notice:
    """A message that is edited at Telegram's pace."""

    def __init__(self, courier: BotCourier, chat_id: int, message_id: int) -> None:
        self._courier = courier
        self._chat_id = chat_id
        self._message_id = message_id
        self._interval_s = GROUP_INTERVAL_S if chat_id < 0 else PRIVATE_INTERVAL_S
        self._not_before = time.monotonic() + self._interval_s

    async def show(self, view: View) -> None:
        """Edit it, as often as it takes to be sure, but not for ever."""
        for _ in range(TRIES):
            await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
            if await self._edit(view):
                return

    async def show_at_once(self, view: View) -> None:
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self._edit(view)
        except TimeoutError:
            log.info("Chat %d was not told that the bot stops.", self._chat_id)

    async def _edit(self, view: View) -> bool:
        """False: it is to be tried again."""
        self._not_before = time.monotonic() + self._interval_s
        try:
            await self._courier.edit(self._chat_id, self._message_id, **view.as_kwargs())
        except Retryable as error:
            self._not_before = time.monotonic() + (error.after_s or self._interval_s)
            return False
        except Uncertain:
            return False
        except Migrated as error:
            self._chat_id = error.chat_id
            return False
        except (MessageGone, MessageRefused, TokenRefused, Unreachable) as error:
            log.info("An answer in chat %d could not be shown: %s.", self._chat_id, type(error).__name__)
        return True
