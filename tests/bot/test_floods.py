"""Telegram asks to wait, and the bot waits: nothing early, nothing twice, and the last state lands."""

from __future__ import annotations

from itertools import pairwise

import pytest

from telegram_bot import announcing
from tests.bot.desk import ANNA, TOKEN, Desk, fresh_posts
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_records import Call
from tests.servers.telegram_server import TelegramServer
from tests.support import do_all_work, make_spec

LONG = " It was a long day for everybody who waited at the stop in the rain." * 12


def is_digest_part(call: Call) -> bool:
    return call.method == "sendMessage" and "text_link" in str(call.params.get("entities"))


class OnceAt:
    """Floods the n-th call of a kind, once."""

    def __init__(self, number: int = 1) -> None:
        self.number = number
        self.seen = 0

    def flood(self) -> Fault | None:
        self.seen += 1
        return Fault.flood(1) if self.seen == self.number else None


async def test_a_flood_on_an_edit_is_waited_for(desk: Desk, telegram: TelegramServer) -> None:
    once = OnceAt()
    telegram.fault = lambda call: once.flood() if call.method == "editMessageText" else None
    await desk.open(fresh_posts(3))
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.card(ANNA, "The digest is ready")
    await desk.digest(ANNA)
    await desk.settle()
    assert once.seen >= 2
    assert not telegram.early_calls
    assert len(desk.digests(ANNA)) == 1


async def test_a_flood_on_a_part_of_the_digest_is_waited_for(desk: Desk, telegram: TelegramServer) -> None:
    once = OnceAt(2)
    telegram.fault = lambda call: once.flood() if is_digest_part(call) else None
    await desk.open(fresh_posts(10, text=LONG))
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.digest(ANNA, parts=3)
    await desk.settle()
    assert not telegram.early_calls
    assert [part.text.rsplit("\n\n", 1)[1] for part in desk.digests(ANNA)] == ["1/3", "2/3", "3/3"]


async def test_digests_that_arrive_together_keep_one_pace_and_one_pause(
    desk: Desk, telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three digests for one chat; what Telegram says to a part of one is for all."""
    monkeypatch.setattr(announcing, "PRIVATE_INTERVAL_S", 0.1)
    once = OnceAt(3)
    telegram.fault = lambda call: once.flood() if is_digest_part(call) else None
    await desk.open(
        fresh_posts(10, text=LONG), make_spec("city"), make_spec("parks", title="Parks only"), make_spec("third")
    )
    for slug in ("city", "parks", "third"):
        await desk.ask(desk.anna, f"/digest {slug}")
    await desk.stop()
    for run in await desk.runs():
        await do_all_work(desk.tools, run.id)
    await desk.start()
    await desk.digest(ANNA, parts=9)
    await desk.settle()
    assert not telegram.early_calls
    assert len(desk.digests(ANNA)) == 9
    times = [call.time for call in telegram.calls if is_digest_part(call)]
    assert all(later - earlier >= 0.09 for earlier, later in pairwise(times))


async def test_an_answer_that_met_a_flood_is_not_followed_by_another_one(desk: Desk, telegram: TelegramServer) -> None:
    once = OnceAt()
    telegram.fault = lambda call: once.flood() if call.method == "sendMessage" else None
    await desk.anna.send(TOKEN, "/help")
    await telegram.wait_for(lambda: [call for call in telegram.calls_of("sendMessage") if call.status])
    bot = telegram.bot(desk.bot.token)
    await telegram.wait_for(lambda: not bot.updates)
    assert not telegram.early_calls
