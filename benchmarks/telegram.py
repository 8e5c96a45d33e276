"""The Telegram server as a process of its own, and what people do there."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from settings import HOME

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class TelegramProcess:
    """`url` is what bots take as the Bot API's. Times of calls are those of `time.monotonic`, here as there."""

    url: str

    def add_bot(self, token: str, username: str) -> None:
        self._post("bot", token=token, username=username)

    def add_user(self, user_id: int, first_name: str) -> None:
        self._post("user", id=user_id, first_name=first_name)

    def send(self, user_id: int, token: str, text: str) -> None:
        """A person writes to a bot: the update is there when this returns."""
        self._post("send", user=user_id, bot=token, text=text)

    def calls(self, method: str) -> Sequence[Mapping[str, Any]]:
        """All calls of a method so far, in the order in which they came: see `tests.servers.telegram_records.Call`."""
        with urllib.request.urlopen(f"{self.url}/control/calls?method={method}", timeout=TIMEOUT_S) as reply:
            found: list[Mapping[str, Any]] = json.load(reply)
        return found

    def _post(self, command: str, **wish: object) -> None:
        request = urllib.request.Request(
            f"{self.url}/control/{command}",
            json.dumps(wish).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            urllib.request.urlopen(request, timeout=TIMEOUT_S).close()
        except urllib.error.HTTPError as error:
            raise SystemExit(f"The Telegram server refuses {command}: {error.read().decode()}") from None


@contextmanager
def telegram_process() -> Iterator[TelegramProcess]:
    """A server without bots and people, which runs as long as the block."""
    command = [sys.executable, "-m", "tests.servers.telegram_server"]
    with subprocess.Popen(command, cwd=HOME, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield TelegramProcess(process.stdout.readline().strip())
        finally:
            process.terminate()
