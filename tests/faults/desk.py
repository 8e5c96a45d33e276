"""An operator at the admin bot of a scene, and the bot's process."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.faults.ledger import wait_for
from tests.faults.scene import Scene
from tests.servers.telegram_records import Call, Message

ADMIN_TOKEN = "4242:AAH-admin-token-of-a-test-of-faults-0123456789"
ADMIN_ID = 4242
OPERATOR = 7
ADMIN_SETTINGS = {"DIGEST_TELEGRAM__ADMIN_TOKEN": ADMIN_TOKEN, "DIGEST_TELEGRAM__OPERATOR_IDS": str(OPERATOR)}


@dataclass
class Desk:
    """A scene with an admin bot; its operator plays through the Telegram server's remote control."""

    scene: Scene

    def __post_init__(self) -> None:
        telegram = self.scene.telegram
        telegram.register_bot(ADMIN_TOKEN, ADMIN_ID, "digest_desk_bot")
        telegram.user(OPERATOR, "Anna").open_chat(ADMIN_ID)

    def start_bot(self) -> None:
        """Start the bot under its script, and wait until it asks for updates."""
        before = len(self.polls())
        self.scene.installation.start_bot()
        wait_for(lambda: len(self.polls()) > before, "the bot's first look for updates")

    def polls(self) -> list[Call]:
        return [
            call for call in list(self.scene.telegram.calls) if call.method == "getUpdates" and call.bot_id == ADMIN_ID
        ]

    def say(self, text: str) -> float:
        """Write to the bot; when (monotonic seconds)."""
        at = time.monotonic()
        self._control("send", user=OPERATOR, bot=ADMIN_ID, text=text)
        return at

    def press(self, button: str) -> float:
        """Press a button under the newest message that has it; when."""
        at = time.monotonic()
        self._control("press", user=OPERATOR, chat=OPERATOR, button=button)
        return at

    @property
    def messages(self) -> list[Message]:
        """What the operator sees of the bot."""
        return self.scene.telegram.messages(OPERATOR)

    def message(self, words: str) -> Message:
        """The message that says, or said, this, as soon as it is there."""
        found: list[Message] = []

        def is_there() -> bool:
            found[:] = [one for one in self.messages if any(words in text for text in one.texts)]
            return bool(found)

        wait_for(is_there, lambda: f"{words!r} among {[one.text for one in self.messages]}")
        return found[0]

    def has_button(self, button: str) -> bool:
        return any(button in shown["text"] for message in self.messages for shown in message.buttons())

    def digests(self) -> list[Message]:
        """The messages that hold a digest, or a part of one."""
        return [one for one in self.messages if one.links]

    def after(self, moment: float, condition: Callable[[Call], bool], bot_id: int | None = None) -> list[Call]:
        """The calls of a bot, or of all, that came later than this and fulfil the condition."""
        calls = list(self.scene.telegram.calls)
        return [one for one in calls if one.time > moment and bot_id in {None, one.bot_id} and condition(one)]

    def _control(self, command: str, **wish: Any) -> None:
        request = urllib.request.Request(
            f"{self.scene.telegram.url}/control/{command}",
            json.dumps(wish).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()
