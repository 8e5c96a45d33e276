"""What comes of showing cards is counted, whatever Telegram says to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.errors import MessageGone, MessageRefused, Retryable, TokenRefused, Uncertain, Unreachable
from pipeline.meter import CardEdit
from storage import runs
from storage.records import Unreached
from telegram_bot.card_edits import counted
from tests.bot.conftest import Opener
from tests.bot.desk import fresh_posts
from tests.meters import RecordingMeter
from tests.processes import until
from tests.servers.telegram_server import TelegramServer


async def test_a_card_that_is_sent_edited_and_looked_at_in_vain(
    hurry: None, open_desk: Opener, telegram: TelegramServer
) -> None:
    desk, meter = await open_desk(), RecordingMeter()
    moment = desk.tools.now()
    desk.board._keeper._tools = replace(desk.tools, meter=meter, now=lambda: moment)
    await desk.open(fresh_posts(3))
    await desk.ask(desk.anna, "/digest")
    await until(lambda: meter.cards == {CardEdit.SHOWN: 1}, "the count of the first card")
    async with desk.database.write() as session:
        await runs.touch(session, (await desk.the_run()).id)
    await until(lambda: meter.cards[CardEdit.UNCHANGED] > 0, "a look that changes nothing")
    await desk.work()
    await desk.settle()
    edits = [call for call in telegram.calls_of("editMessageText") if call.outcome == "ok"]
    assert meter.cards[CardEdit.SHOWN] == 1 + len(edits) > 1


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Retryable("too many requests", after_s=1.0), CardEdit.PUT_OFF),
        (Uncertain("bad gateway"), CardEdit.UNCERTAIN),
        (MessageGone("message to edit not found"), CardEdit.GONE),
        (MessageRefused("message is too long"), CardEdit.FAILED),
        (Unreachable("bot was blocked by the user", Unreached.BLOCKED), CardEdit.FAILED),
        (TokenRefused("Unauthorized"), CardEdit.FAILED),
        (ZeroDivisionError(), CardEdit.FAILED),
    ],
)
async def test_what_an_edit_raises_is_counted_and_goes_through(error: Exception, outcome: CardEdit) -> None:
    async def call() -> None:
        raise error

    meter = RecordingMeter()
    with pytest.raises(type(error)):
        await counted(call(), meter)
    assert meter.cards == {outcome: 1}
