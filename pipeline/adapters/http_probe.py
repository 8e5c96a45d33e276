"""Asking Telegram who a token is, and servers what time it is: plain HTTP, without the libraries of the bot.

An error is told by its class alone: its text may repeat an address, and Telegram's hold the token.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from pipeline.checks.seen import AccountSeen, AccountState

if TYPE_CHECKING:
    from aiohttp import ClientSession

TIMEOUT_S = 8.0
_TOKEN = re.compile(r"\d+:[\w-]+")
_REFUSED = frozenset({401, 404})  # 404: what a malformed token gets


class PlainHttpProbe:
    """Belongs to the event loop it is first used on; its libraries are imported then."""

    def __init__(self, telegram_url: str) -> None:
        self._telegram_url = telegram_url.rstrip("/")
        self._session: ClientSession | None = None

    async def look(self, token: str) -> AccountSeen:
        """Who has this token, and whether its updates go elsewhere."""
        if not _TOKEN.fullmatch(token):
            return AccountSeen(AccountState.REFUSED)
        me = await self._call(token, "getMe")
        if isinstance(me, AccountSeen):
            return me
        webhook = await self._call(token, "getWebhookInfo")
        if isinstance(webhook, AccountSeen):
            return webhook
        return AccountSeen(AccountState.FINE, str(me.get("username", "")), has_webhook=bool(webhook.get("url")))

    async def date_of(self, url: str) -> datetime | None:
        """The Date of whatever the server answers, in the middle of its second."""
        from aiohttp import ClientError

        try:
            async with self._open().get(url, allow_redirects=False) as response:
                said = parsedate_to_datetime(response.headers.get("Date", "")).astimezone(UTC)
        except (ClientError, OSError, TimeoutError, ValueError):
            return None
        return said.replace(microsecond=500_000)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _call(self, token: str, method: str) -> dict[str, Any] | AccountSeen:
        """What a method gives, or why it gives nothing."""
        from aiohttp import ClientError

        try:
            async with self._open().get(f"{self._telegram_url}/bot{token}/{method}") as response:
                if response.status in _REFUSED:
                    return AccountSeen(AccountState.REFUSED)
                if response.status == 429:
                    return AccountSeen(AccountState.TOLD_TO_WAIT)
                if response.status != 200:
                    return AccountSeen(AccountState.AWAY, why=f"HTTP {response.status}")
                result = (await response.json())["result"]
        except TimeoutError:
            return AccountSeen(AccountState.AWAY, why=f"no answer within {TIMEOUT_S:.0f} s")
        except (ClientError, OSError, ValueError, KeyError, TypeError) as error:
            return AccountSeen(AccountState.AWAY, why=type(error).__name__)
        return result if isinstance(result, dict) else AccountSeen(AccountState.AWAY, why="an answer of another kind")

    def _open(self) -> ClientSession:
        from aiohttp import ClientSession, ClientTimeout

        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=TIMEOUT_S))
        return self._session
