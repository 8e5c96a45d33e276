"""/forget: what is kept of a reader is erased when they say so twice."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from storage import deliveries, digests
from storage.records import RunState
from tests.bot.desk import utc_now
from tests.bot.library import Library
from tests.servers.telegram_people import Person
from tests.servers.telegram_server import TelegramServer

RITA, RUSLAN = 501, 502


@pytest.fixture
def rita(telegram: TelegramServer) -> Person:
    return telegram.user(RITA, "Rita", "en")


@pytest.fixture
async def city(library: Library, rita: Person) -> Library:
    """One public bot that Rita and Ruslan read."""
    await library.open("city", "parks")
    await library.start()
    await library.ask(rita, "/start")
    await library.ask(library.telegram.user(RUSLAN, "Ruslan", "en"), "/start")
    return library


async def rows_with(library: Library, number: int) -> list[str]:
    """The tables that hold this number anywhere."""
    found = []
    async with library.database.read() as session:
        names = (await session.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))).scalars()
        for name in [*names]:
            rows = (await session.execute(text(f'SELECT * FROM "{name}"'))).all()
            found += [name] if any(number in row for row in rows) else []
    return found


async def test_everything_is_erased_with_a_second_yes(city: Library, rita: Person) -> None:
    digest = await city.publish(("Transport", "Line 7 runs again."), state=RunState.DELIVERING)
    bot = await city.bot()
    async with city.database.write() as session:
        stored = await digests.of_run(session, digest.run_id)
        assert stored is not None
        await deliveries.freeze(session, stored.id, bot.id, 1, lambda left_out: 1, utc_now())
    assert await rows_with(city, RITA) == ["subscribers", "deliveries"]
    question = await city.ask(rita, "/forget")
    assert await rows_with(city, RITA), "nothing is erased by the command alone"
    await city.press(rita, question, "Yes, erase everything")
    assert question.text.startswith("Done: nothing is kept about you here.")
    assert not list(question.buttons())
    assert await rows_with(city, RITA) == []
    assert await rows_with(city, RUSLAN) == ["subscribers", "deliveries"]


async def test_with_a_no_nothing_is_erased(city: Library, rita: Person) -> None:
    question = await city.ask(rita, "/forget")
    await city.press(rita, question, "No, keep it")
    assert question.text == "Nothing was erased."
    assert await city.subscriber(RITA) is not None


async def test_what_another_public_bot_keeps_is_its_own(city: Library, rita: Person) -> None:
    await city.ask(rita, "/start", "parks")
    await city.press(rita, await city.ask(rita, "/forget"), "Yes, erase everything")
    assert await city.subscriber(RITA, "city") is None
    assert await city.subscriber(RITA, "parks") is not None


async def test_pressed_twice_and_asked_by_a_stranger_it_says_the_same(city: Library, telegram: TelegramServer) -> None:
    guest = telegram.user(600, "Guest", "en")
    question = await city.ask(guest, "/forget")
    presses = [await guest.press(question, "Yes, erase everything") for _ in range(2)]
    await telegram.wait_for(lambda: all(press.answer is not None for press in presses))
    assert question.text.startswith("Done: nothing is kept about you here.")


async def test_whoever_returns_after_that_begins_anew(city: Library, rita: Person) -> None:
    await city.press(rita, await city.ask(rita, "/topics"), "✅ Parks")
    await city.press(rita, await city.ask(rita, "/forget"), "Yes, erase everything")
    assert "Welcome!" in (await city.ask(rita, "/start")).text
    reader = await city.subscriber(RITA)
    assert reader is not None
    assert reader.left_out == ()
