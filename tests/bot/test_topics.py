"""/topics and /language: readers choose what they read and how they are spoken to."""

from __future__ import annotations

import pytest

from storage.records import Category
from tests.bot.library import CATEGORIES, Library
from tests.servers.telegram_people import Person
from tests.servers.telegram_records import Message
from tests.servers.telegram_server import TelegramServer
from tests.support import make_spec

RITA = 501


@pytest.fixture
def rita(telegram: TelegramServer) -> Person:
    return telegram.user(RITA, "Rita", "en")


@pytest.fixture
async def city(library: Library, rita: Person) -> Library:
    """One public bot, which Rita reads."""
    await library.open("city")
    await library.start()
    await library.ask(rita, "/start")
    return library


def shown(message: Message) -> list[str]:
    return [button["text"] for button in message.buttons()]


async def left_out(library: Library) -> tuple[str, ...]:
    reader = await library.subscriber(RITA)
    assert reader is not None
    return reader.left_out


async def test_a_topic_is_left_out_and_taken_back_in_the_same_message(city: Library, rita: Person) -> None:
    message = await city.ask(rita, "/topics")
    assert shown(message) == ["✅ Transport", "✅ Parks"]
    await city.press(rita, message, "✅ Parks")
    assert shown(message) == ["✅ Transport", "▫️ Parks"]
    assert await left_out(city) == ("Parks",)
    await city.press(rita, message, "▫️ Parks")
    assert shown(message) == ["✅ Transport", "✅ Parks"]
    assert await left_out(city) == ()
    assert len(city.sent_to(rita)) == 2


async def test_one_topic_has_to_stay(city: Library, rita: Person) -> None:
    message = await city.ask(rita, "/topics")
    await city.press(rita, message, "✅ Parks")
    assert "One topic has to stay" in await city.press(rita, message, "✅ Transport")
    assert shown(message) == ["✅ Transport", "▫️ Parks"]
    assert await left_out(city) == ("Parks",)


async def test_pressed_twice_it_is_done_once(city: Library, rita: Person) -> None:
    message = await city.ask(rita, "/topics")
    presses = [await rita.press(message, "✅ Parks") for _ in range(2)]
    await city.telegram.wait_for(lambda: all(press.answer is not None for press in presses))
    await city.is_done()
    assert shown(message) == ["✅ Transport", "▫️ Parks"]
    assert await left_out(city) == ("Parks",)


async def test_a_button_of_other_topics_changes_nothing_and_shows_the_new_ones(city: Library, rita: Person) -> None:
    message = await city.ask(rita, "/topics")
    await city.press(rita, message, "✅ Parks")
    new = (Category("Sport", ("football",)), *CATEGORIES)
    await city.apply(make_spec("city", categories=new), city.token("city"))
    assert "My topics have changed" in await city.press(rita, message, "✅ Transport")
    assert await left_out(city) == ("Parks",)
    assert shown(message) == ["✅ Sport", "✅ Transport", "▫️ Parks"]
    await city.press(rita, message, "✅ Sport")
    assert await left_out(city) == ("Parks", "Sport")


async def test_topics_survive_a_stop_and_a_return(city: Library, rita: Person) -> None:
    await city.press(rita, await city.ask(rita, "/topics"), "✅ Parks")
    await city.ask(rita, "/stop")
    await city.ask(rita, "/start")
    assert await left_out(city) == ("Parks",)


async def test_whoever_never_came_has_nothing_to_choose(city: Library, telegram: TelegramServer) -> None:
    guest = telegram.user(600, "Guest", "ru")
    for command in ("/topics", "/language"):
        assert "сначала отправьте /start" in (await city.ask(guest, command)).text
    assert await city.subscriber(600) is None


async def test_the_language_is_changed_by_a_button_and_lasts(city: Library, rita: Person) -> None:
    question = await city.ask(rita, "/language")
    assert shown(question) == ["English", "Русский"]
    await city.press(rita, question, "Русский")
    assert question.text == "Теперь я говорю с вами по-русски."
    assert "Вот мои темы" in (await city.ask(rita, "/topics")).text
    await city.ask(rita, "/stop")
    assert "Добро пожаловать!" in (await city.ask(rita, "/start")).text


@pytest.mark.parametrize("data", ["l1:xx", "t0:1:2:1", "nonsense"])
async def test_a_button_that_means_nothing_any_more_is_answered_politely(
    city: Library, rita: Person, telegram: TelegramServer, data: str
) -> None:
    message = await city.ask(rita, "/language")
    press = await rita.press(message, "English")
    await telegram.wait_for(lambda: press.answer)
    sent = {"id": "77", "from": rita.account.json(), "message": message.json(), "chat_instance": "1", "data": data}
    before = len(telegram.calls_of("answerCallbackQuery"))
    await telegram.inject(city.token("city"), {"callback_query": sent})
    await telegram.wait_for(lambda: len(telegram.calls_of("answerCallbackQuery")) > before)
    assert "out of date" in telegram.calls_of("answerCallbackQuery")[-1].params["text"]
