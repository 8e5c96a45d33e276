"""When Telegram wants a public bot to be silent, it is: whoever it said that to, and whatever Redis remembers."""

from __future__ import annotations

from datetime import timedelta

from storage import public_bots
from tests.bot.desk import eventually, utc_now
from tests.bot.library import Library
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_server import TelegramServer


async def test_what_telegram_says_to_an_answer_is_written_down(library: Library, telegram: TelegramServer) -> None:
    telegram.fault = lambda call: Fault.flood(60) if call.method == "sendMessage" else None
    await library.open()
    await library.start()
    await library.served()
    assert await library.tell(telegram.user(501, "Rita"), "/start") == []
    parked_until = (await library.bot()).parked_until
    assert parked_until is not None
    assert timedelta(seconds=50) < parked_until - utc_now() <= timedelta(seconds=60)


async def test_a_silence_that_is_written_down_is_kept_although_redis_has_forgotten_it(
    library: Library, telegram: TelegramServer
) -> None:
    await library.open()
    bot_id = (await library.bot()).id
    async with library.database.write() as session:
        await public_bots.park(session, bot_id, utc_now() + timedelta(seconds=60))
    assert await library.tools.limiter.pause_left_s(bot_id) == 0
    await library.start()
    await library.served()

    async def is_known() -> bool:
        return await library.tools.limiter.pause_left_s(bot_id) > 50

    await eventually(is_known, True)
    assert await library.tell(telegram.user(501, "Rita"), "/start") == []
    assert not telegram.calls_of("sendMessage")
