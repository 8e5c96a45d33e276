"""Whether a piece of work has the process for itself: so that, when it dies, it is known which piece killed it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Solitude:
    """Lets any number go side by side, or one alone. Who wants to be alone is let in before those who come later."""

    def __init__(self) -> None:
        self._side_by_side = 0
        self._alone = False
        self._want_to_be_alone = 0
        self._waiting: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def side_by_side(self) -> AsyncIterator[None]:
        """Not while somebody is alone."""
        await self._until(lambda: not self._alone and not self._want_to_be_alone)
        self._side_by_side += 1
        try:
            yield
        finally:
            self._side_by_side -= 1
            self._something_changed()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Not while anybody else is here."""
        self._want_to_be_alone += 1
        try:
            await self._until(lambda: not self._alone and not self._side_by_side)
            self._alone = True
        finally:
            self._want_to_be_alone -= 1
            self._something_changed()
        try:
            yield
        finally:
            self._alone = False
            self._something_changed()

    async def _until(self, is_free: Callable[[], bool]) -> None:
        while not is_free():
            changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(changed)
            await changed

    def _something_changed(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)
