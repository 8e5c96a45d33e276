"""/bots: the list, one bot's details in its place, and the pause that the first press gives."""

from __future__ import annotations

import pytest

from storage import operators, public_bots
from storage.records import Action, ActionKind
from telegram_bot.views.bots import PAGE
from tests.bot.audience import open_for_readers
from tests.bot.desk import ANNA, BORIS, STRANGER, TOKEN, Desk, fresh_posts
from tests.servers.telegram_records import Message
from tests.support import make_spec


async def changes(desk: Desk) -> list[Action]:
    """Who paused or resumed the first bot, oldest first."""
    async with desk.database.read() as session:
        found = await operators.actions_of_bot(session, 1, 50)
    return [one for one in reversed(found) if one.kind in {ActionKind.PAUSE_BOT, ActionKind.RESUME_BOT}]


async def is_paused(desk: Desk) -> bool:
    async with desk.database.read() as session:
        bot = await public_bots.by_slug(session, "city")
    assert bot is not None
    return bot.is_paused


async def details(desk: Desk) -> Message:
    """The details of "city", opened by Anna."""
    message = await desk.ask(desk.anna, "/bots")
    await desk.press(desk.anna, message, "City news")
    await desk.telegram.wait_for(lambda: "Categories: " in message.text)
    return message


async def test_the_list_opens_a_bot_and_back_again_in_one_message(desk: Desk) -> None:
    await open_for_readers(desk, readers=2)
    await desk.open([], make_spec("parks", title="Parks only"))
    message = await desk.ask(desk.anna, "/bots")
    assert "City news (city, @city_news_bot)\nServes 2 readers." in message.text
    assert "Parks only (parks)\nFor operators only" in message.text
    await desk.press(desk.anna, message, "City news")
    await desk.telegram.wait_for(lambda: "• The Wire (wire, file): 3 posts" in message.text)
    assert "Categories: Transport, Parks" in message.text
    assert "Chooses for: “For people who live here.”" in message.text
    assert "Parks only" not in message.text
    await desk.press(desk.anna, message, "Back")
    await desk.telegram.wait_for(lambda: "Parks only" in message.text)
    assert desk.sent_to(ANNA) == [message]


async def test_without_bots_it_says_how_to_make_one(desk: Desk) -> None:
    assert "There are no public bots yet." in (await desk.ask(desk.anna, "/bots")).text


async def test_the_first_of_two_operators_pauses_and_the_second_is_told(desk: Desk) -> None:
    await open_for_readers(desk)
    of_anna = await details(desk)
    of_boris = await desk.ask(desk.boris, "/bots")
    await desk.press(desk.boris, of_boris, "City news")
    await desk.telegram.wait_for(lambda: next(of_boris.buttons())["text"] == "Пауза")
    assert "nothing is delivered, and readers get no answer" in await desk.press(desk.anna, of_anna, "Pause")
    assert await desk.press(desk.boris, of_boris, "Пауза") == "Он уже на паузе."
    await desk.telegram.wait_for(lambda: "⏸" in of_anna.text and "⏸" in of_boris.text)
    assert [(one.kind, one.actor.id) for one in await changes(desk)] == [(ActionKind.PAUSE_BOT, ANNA)]
    assert "бот поставлен на паузу (Anna)" in of_boris.text
    assert await is_paused(desk)


async def test_pressed_twice_it_is_paused_once(desk: Desk) -> None:
    await open_for_readers(desk)
    message = await details(desk)
    presses = [await desk.anna.press(message, "Pause") for _ in range(2)]
    await desk.telegram.wait_for(lambda: all(press.answer for press in presses))
    assert [str(press.answer and press.answer.get("text")).split(".")[0] for press in presses] == [
        "Paused",
        "It is paused already",
    ]
    assert len(await changes(desk)) == 1


async def test_another_operator_lets_it_go_on(desk: Desk) -> None:
    await open_for_readers(desk)
    message = await details(desk)
    await desk.press(desk.anna, message, "Pause")
    await desk.telegram.wait_for(lambda: "⏸" in message.text)
    assert "Бот снова работает" in await desk.press(desk.boris, message, "Resume")
    await desk.telegram.wait_for(lambda: "⏸" not in message.text)
    assert [one.actor.id for one in await changes(desk)] == [ANNA, BORIS]
    assert not await is_paused(desk)


async def test_a_digest_shows_as_the_last_one(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    assert "No digest yet. Make one with /digest city." in (await details(desk)).text
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.settle()
    text = (await details(desk)).text
    assert "Last digest: 3 posts, just now (run 1)." in text
    assert "run 1 started (Anna)" in text


async def test_many_bots_are_turned_over_in_pages(desk: Desk) -> None:
    await desk.open([], *(make_spec(f"bot-{number}", title=f"Bot {number}") for number in range(PAGE + 1)))
    message = await desk.ask(desk.anna, "/bots")
    await desk.press(desk.anna, message, "›")
    await desk.telegram.wait_for(lambda: "Page 2 of 2" in message.text)
    await desk.press(desk.anna, message, f"Bot {PAGE}")
    await desk.telegram.wait_for(lambda: "Categories" in message.text)
    await desk.press(desk.anna, message, "Back")
    await desk.telegram.wait_for(lambda: "Page 2 of 2" in message.text)


@pytest.mark.parametrize("button", ["City news", "Pause", "Back"])
async def test_a_stranger_gets_nothing(desk: Desk, button: str) -> None:
    await open_for_readers(desk)
    message = await desk.ask(desk.anna, "/bots") if button == "City news" else await details(desk)
    shown = message.text
    assert str(STRANGER) in await desk.press(desk.stranger, message, button)
    await desk.stranger.send(TOKEN, "/bots")
    await desk.arrival(STRANGER, 0)
    assert "City news" not in desk.sent_to(STRANGER)[0].text
    assert message.text == shown
    assert not await is_paused(desk)
