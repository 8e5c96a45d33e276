"""Channels that an operator offers by making the bot their administrator."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from storage.models import PostRow
from tests.bot.desk import ANNA, STRANGER, TOKEN, Desk, eventually
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_people import Channel
from tests.servers.telegram_records import Message
from tests.servers.telegram_server import TelegramServer

CHANNEL = -1001234567890


@pytest.fixture
def channel(telegram: TelegramServer) -> Channel:
    return telegram.channel(CHANNEL, "Trams & trolleys", "tram_news")


async def stored(desk: Desk) -> list[PostRow]:
    async with desk.database.read() as session:
        return list((await session.execute(select(PostRow).order_by(PostRow.id))).scalars())


async def handled(desk: Desk) -> None:
    """Wait until the bot has confirmed everything it was told."""
    bot = desk.telegram.bot(TOKEN)
    await desk.telegram.wait_for(lambda: not bot.updates)


async def offered(desk: Desk, channel: Channel) -> Message:
    known = len(desk.sent_to(ANNA))
    await channel.make_admin(TOKEN, by=desk.anna)
    return await desk.arrival(ANNA, known)


async def accepted(desk: Desk, channel: Channel) -> Message:
    offer = await offered(desk, channel)
    await desk.press(desk.anna, offer, "Yes, add it")
    return offer


async def test_an_operators_channel_becomes_a_source_with_their_yes(desk: Desk, channel: Channel) -> None:
    offer = await offered(desk, channel)
    assert "“Trams & trolleys”" in offer.text
    await channel.post("A post before the answer.")
    await handled(desk)
    assert not await stored(desk)
    await desk.press(desk.anna, offer, "Yes, add it")
    assert "is a source now" in offer.text
    assert "tram_news" in offer.text
    assert not list(offer.buttons())
    await channel.post("Line 7 runs again. See https://example.org/seven for more.")
    await handled(desk)
    (post,) = await stored(desk)
    assert post.text.startswith("Line 7 runs again.")
    assert post.url == "https://t.me/tram_news/2"
    assert post.links == ["https://example.org/seven"]


async def test_after_a_no_nothing_is_stored(desk: Desk, channel: Channel) -> None:
    offer = await offered(desk, channel)
    await desk.press(desk.anna, offer, "No")
    assert "stays out" in offer.text
    await channel.post("Line 7 runs again.")
    await handled(desk)
    assert not await stored(desk)
    assert "no sources yet" in (await desk.ask(desk.anna, "/sources")).text


async def test_edits_captions_and_albums_are_stored_as_a_reader_sees_them(desk: Desk, channel: Channel) -> None:
    await accepted(desk, channel)
    text = await channel.post("Line 7 runs agian.")
    photo = await channel.post(caption="The new tram.")
    await channel.edit(text, "Line 7 runs again.")
    await channel.edit(photo, "The new tram, in red.")
    await channel.post()
    await channel.post(album="9", caption="First picture.")
    await channel.post(album="9")
    last = await channel.post(album="9", caption="Last picture.")
    await channel.edit(last, "Very last picture.")
    await handled(desk)
    found = await stored(desk)
    assert [post.text for post in found] == [
        "Line 7 runs again.",
        "The new tram, in red.",
        "First picture.\n\nVery last picture.",
    ]
    assert [post.external_id for post in found] == [str(text.message_id), str(photo.message_id), "4"]


async def test_a_strangers_channel_is_not_offered_and_never_stored(desk: Desk, channel: Channel) -> None:
    await channel.make_admin(TOKEN, by=desk.stranger)
    await channel.post("Buy now!")
    await handled(desk)
    assert not desk.telegram.sent
    assert not await stored(desk)


async def test_a_stranger_cannot_answer_the_question(desk: Desk, channel: Channel) -> None:
    offer = await offered(desk, channel)
    assert str(STRANGER) in await desk.press(desk.stranger, offer, "Yes, add it")
    await channel.post("Line 7 runs again.")
    await handled(desk)
    assert not await stored(desk)


async def test_sources_are_listed_with_their_last_post(desk: Desk, channel: Channel) -> None:
    await accepted(desk, channel)
    assert "Trams & trolleys (tram_news, channel): no posts yet" in (await desk.ask(desk.anna, "/sources")).text
    await channel.post("Line 7 runs again.")
    await channel.post("Line 8 stands still.")
    await handled(desk)
    listed = await desk.ask(desk.anna, "/sources")
    assert "Trams & trolleys (tram_news, channel): 2 posts, the last one just now" in listed.text
    assert "1 источник" in (await desk.ask(desk.boris, "/sources")).text


async def test_two_fingers_on_yes_are_one_source_and_no_error(desk: Desk, channel: Channel) -> None:
    offer = await offered(desk, channel)
    presses = [await desk.anna.press(offer, "Yes, add it") for _ in range(2)]
    await desk.telegram.wait_for(lambda: all(press.answer for press in presses))
    assert not any("went wrong" in str(press.answer) for press in presses)
    assert "1 source" in (await desk.ask(desk.anna, "/sources")).text


async def test_a_no_to_a_channel_that_is_a_source_already_does_not_deny_it(desk: Desk, channel: Channel) -> None:
    first = await offered(desk, channel)
    second = await offered(desk, channel)
    await desk.press(desk.anna, first, "Yes, add it")
    await desk.press(desk.anna, second, "No")
    assert "is a source now" in second.text


async def test_a_source_is_not_offered_again(desk: Desk, channel: Channel) -> None:
    await accepted(desk, channel)
    await channel.make_admin(TOKEN, by=desk.anna)
    await handled(desk)
    assert len(desk.sent_to(ANNA)) == 1


async def test_a_channel_that_the_bot_has_left_cannot_be_added(desk: Desk, channel: Channel) -> None:
    offer = await offered(desk, channel)
    await channel.remove_bot(TOKEN, by=desk.anna)
    assert "out of date" in await desk.press(desk.anna, offer, "Yes, add it")


@pytest.mark.parametrize("refusal", [(403, "Forbidden: user is deactivated"), (400, "Bad Request: chat not found")])
async def test_an_operator_who_cannot_be_written_to_costs_a_line_in_the_log(
    desk: Desk, channel: Channel, telegram: TelegramServer, caplog: pytest.LogCaptureFixture, refusal: tuple[int, str]
) -> None:
    telegram.fault = lambda call: Fault.error(*refusal) if call.method == "sendMessage" else None
    await channel.make_admin(TOKEN, by=desk.anna)

    async def lines() -> int:
        return len([one for one in caplog.records if "no source is offered" in one.message])

    await eventually(lines, 1)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
