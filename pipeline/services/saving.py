"""Saving what was dearly got: a model's answer, or what Telegram said of a message."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from storage.database import AWAY, trouble

log = logging.getLogger(__name__)

PATIENCE_S = 600.0
LONGEST_WAIT_S = 5.0


async def save_patiently(what: str, save: Callable[[], Awaitable[None]]) -> None:
    """Save, however long the database is away, up to ten minutes: meanwhile nothing more is asked or sent from here.

    `save` opens its own session, and may be called again after any failure. What it raises otherwise goes through.
    """
    given_up_at, wait_s = time.monotonic() + PATIENCE_S, 0.25
    while True:
        try:
            return await save()
        except AWAY as error:
            if time.monotonic() >= given_up_at:
                raise
            log.warning("%s cannot be saved yet: %s.", what, trouble(error))
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
