"""/subscribers: numbers, links that are made once, and a table that leaves by a private chat alone."""

from __future__ import annotations

import csv

import pytest

from storage import invitations, operators, subscribers
from storage.records import ActionKind, ChatKind, Invitation, Unreached
from tests.bot.audience import FIRST_READER, open_for_readers
from tests.bot.desk import ANNA, BORIS, STRANGER, TOKEN, Desk, utc_now
from tests.servers.telegram_server import TelegramServer
from tests.support import make_spec

LINK = "https://t.me/city_news_bot?start="


async def links(desk: Desk) -> list[Invitation]:
    async with desk.database.read() as session:
        return [*await invitations.of_bot(session, 1)]


async def written(desk: Desk, kind: ActionKind) -> list[int | None]:
    """Who did this with the first bot, oldest first."""
    async with desk.database.read() as session:
        found = await operators.actions_of_bot(session, 1, 50)
    return [one.actor.id for one in reversed(found) if one.kind is kind]


async def test_the_readers_of_the_only_bot_in_numbers(desk: Desk) -> None:
    await open_for_readers(desk, readers=3)
    async with desk.database.write() as session:
        poster, _ = await invitations.invite(session, 1, "poster", ANNA, utc_now())
        for chat_id in (1, 2):
            await subscribers.subscribe(session, 1, chat_id, "ru", utc_now(), invitation_id=poster.id)
        await subscribers.stop(session, 1, 1, utc_now())
        await subscribers.retire(session, 1, FIRST_READER, Unreached.BLOCKED, utc_now())
    text = (await desk.ask(desk.anna, "/subscribers")).text
    assert "3 read it now: 3 people." in text
    assert "In the last 7 days: 5 new, 2 gone." in text
    assert "Languages: English 2, Russian 1" in text
    assert "No longer read it: 1 blocked the bot, 1 sent /stop" in text
    assert f"• poster: 2 came, 1 read it now\n{LINK}{poster.code}" in text
    assert "Сейчас читают 3" in (await desk.ask(desk.boris, "/subscribers city")).text


async def test_among_several_bots_the_operator_chooses(desk: Desk) -> None:
    await open_for_readers(desk, readers=3)
    await desk.open([], make_spec("parks", title="Parks only"))
    choice = await desk.ask(desk.anna, "/subscribers")
    assert [button["text"] for button in choice.buttons()] == ["City news", "Parks only"]
    await desk.press(desk.anna, choice, "City news")
    await desk.telegram.wait_for(lambda: choice.text.startswith("Readers of City news\n3 read it now"))
    unknown = await desk.ask(desk.anna, "/subscribers nowhere")
    assert unknown.text == "There is no bot named nowhere. These exist: city, parks."


async def test_a_link_with_a_name_is_made_once(desk: Desk) -> None:
    await open_for_readers(desk)
    first = await desk.ask(desk.anna, "/subscribers city tram poster")
    (link,) = await links(desk)
    assert link.origin == "tram poster"
    assert f"{LINK}{link.code}" in first.text
    assert [(one["type"], one["length"]) for one in first.entities] == [("code", len(LINK + link.code))], "a tap copies"
    assert f"{LINK}{link.code}" in (await desk.ask(desk.boris, "/subscribers city tram poster")).text
    assert await written(desk, ActionKind.INVITE) == [ANNA]
    assert "1 to 64 characters" in (await desk.ask(desk.anna, "/subscribers city " + "x" * 65)).text


async def test_the_button_makes_a_new_link_and_pressed_twice_the_same(desk: Desk) -> None:
    await open_for_readers(desk)
    message = await desk.ask(desk.anna, "/subscribers")
    to_boris = await desk.ask(desk.boris, "/subscribers")
    presses = [await desk.anna.press(message, "New invitation link") for _ in range(2)]
    presses.append(await desk.boris.press(to_boris, "Новая ссылка-приглашение"))
    await desk.telegram.wait_for(lambda: all(press.answer for press in presses))
    (link,) = await links(desk)
    assert link.origin == f"{utc_now():%Y-%m-%d} №1"
    await desk.telegram.wait_for(lambda: all(f"{LINK}{link.code}" in one.text for one in (message, to_boris)))
    await desk.press(desk.anna, message, "New invitation link")
    assert [one.origin.partition(" ")[2] for one in await links(desk)] == ["№1", "№2"]
    assert len(await written(desk, ActionKind.INVITE)) == 2


async def test_the_table_comes_as_a_file_and_is_written_down(desk: Desk) -> None:
    await open_for_readers(desk, readers=2)
    async with desk.database.write() as session:
        await subscribers.subscribe(session, 1, -5, "ru", utc_now(), kind=ChatKind.CHANNEL, title="=Fans")
    message = await desk.ask(desk.anna, "/subscribers")
    assert await desk.press(desk.anna, message, "Export") == "Sent to your chat with me."
    sent = desk.sent_to(ANNA)[-1]
    assert sent.document is not None
    assert sent.document.name == f"city-readers-{utc_now():%Y-%m-%d}.csv"
    heading, *lines = csv.reader(sent.document.content.decode("utf-8-sig").splitlines())
    assert heading[0] == "chat_id"
    assert [(line[0], line[2]) for line in lines] == [
        (str(FIRST_READER), ""),
        (str(FIRST_READER + 1), ""),
        ("-5", "'=Fans"),
    ]
    assert await written(desk, ActionKind.EXPORT) == [ANNA]


async def test_a_press_in_a_group_sends_the_table_to_whoever_pressed_alone(
    desk: Desk, telegram: TelegramServer
) -> None:
    await open_for_readers(desk)
    group = telegram.group(-1001, "Newsroom", desk.anna, desk.boris)
    await group.add_bot(TOKEN, by=desk.anna)
    message = await desk.ask(desk.anna, "/subscribers", group)
    await desk.press(desk.boris, message, "Export")
    assert [one.chat.id for one in telegram.sent if one.document] == [BORIS]


async def test_an_operator_who_cannot_be_written_to_is_told_where_they_pressed(
    desk: Desk, telegram: TelegramServer
) -> None:
    await open_for_readers(desk)
    group = telegram.group(-1001, "Newsroom", desk.anna)
    await group.add_bot(TOKEN, by=desk.anna)
    message = await desk.ask(desk.anna, "/subscribers", group)
    await desk.anna.block(TOKEN)
    assert "press Start, and try again" in await desk.press(desk.anna, message, "Export")
    assert not [one for one in telegram.sent if one.document]


@pytest.mark.parametrize("button", ["New invitation link", "Export"])
async def test_a_stranger_gets_no_numbers_no_link_and_no_table(desk: Desk, button: str) -> None:
    await open_for_readers(desk)
    message = await desk.ask(desk.anna, "/subscribers")
    assert str(STRANGER) in await desk.press(desk.stranger, message, button)
    await desk.stranger.send(TOKEN, "/subscribers city spy")
    line = await desk.arrival(STRANGER, 0)
    assert desk.sent_to(STRANGER) == [line]
    assert not await links(desk)
    assert not await written(desk, ActionKind.EXPORT)
