"""Where it is measured: a database, Redis, the model's and Telegram's servers, the scripts; who asks is in here too."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.bench import CONCURRENCY, Bench, open_bench
from benchmarks.desk.figures import waits_of
from benchmarks.telegram import TelegramProcess, telegram_process
from tests.processes import until

TOKEN = "4242:AAH-token-of-the-admin-bot-of-a-benchmark-012"
SECRET = "the secret key of a benchmark"
EDITOR, *ASKING = (7, 8, 9, 10)  # who orders digests, and who asks how things are
CANCEL = "c1:"  # what the button of a card says that goes on
ANSWERS_COME_WITHIN_S = 60.0


class Place:
    """A desk with its bot. What people wait for is read from Telegram's side afterwards, so that nothing is disturbed
    while it is measured."""

    def __init__(self, bench: Bench, telegram: TelegramProcess) -> None:
        self.bench = bench
        self.telegram = telegram
        self._asked: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))

    async def start_bot(self) -> float:
        """Seconds from the start of the script until the bot asks for what people wrote."""
        asked_before = len(self.telegram.calls("getUpdates"))
        began = time.monotonic()
        self.bench.installation.start_bot()
        await until(lambda: len(self.telegram.calls("getUpdates")) > asked_before, "the bot")
        return float(self.telegram.calls("getUpdates")[asked_before]["time"]) - began

    async def ask(self, user_id: int, text: str) -> None:
        """Write to the admin bot; `waits` tells how long its answer took."""
        command = text.split(maxsplit=1)[0]
        self._asked[command][user_id].append(time.monotonic())
        await asyncio.to_thread(self.telegram.send, user_id, TOKEN, text)

    async def waits(self, command: str) -> list[float]:
        """How long the answers to all questions since the last call took to reach Telegram: to /digest, the card."""
        asked = self._asked.pop(command)
        first = min(min(times) for times in asked.values())
        number = sum(map(len, asked.values()))
        await until(lambda: sum(map(len, self._answers(asked, first).values())) >= number, "the answers")
        return waits_of(asked, self._answers(asked, first))

    def _answers(self, asked: Mapping[int, object], since: float) -> Mapping[int, Sequence[float]]:
        """When what was sent to these chats arrived; to the editor's, the cards."""
        found: dict[int, list[float]] = defaultdict(list)
        for call in self.telegram.calls("sendMessage"):
            chat, params = call["params"].get("chat_id"), call["params"]
            if chat in asked and call["time"] > since and (chat != EDITOR or CANCEL in str(params.get("reply_markup"))):
                found[chat].append(call["time"])
        return found


@asynccontextmanager
async def open_place(folder: Path, database: str, model_url: str) -> AsyncIterator[Place]:
    """Everything but the bot and the workers, which are still to be started."""
    with telegram_process() as telegram:
        telegram.add_bot(TOKEN, "digest_desk_bot")
        for user_id in (EDITOR, *ASKING):
            telegram.add_user(user_id, "Anna")
        async with open_bench(folder, database, model_url, CONCURRENCY) as bench:
            bench.installation.environment |= {
                "DIGEST_TELEGRAM__ADMIN_TOKEN": TOKEN,
                "DIGEST_TELEGRAM__API_URL": telegram.url,
                "DIGEST_TELEGRAM__OPERATOR_IDS": ",".join(map(str, (EDITOR, *ASKING))),
                "DIGEST_SECURITY__SECRET_KEY": SECRET,
            }
            yield Place(bench, telegram)
