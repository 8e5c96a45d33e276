"""Groups and channels that take a public bot in: operators say whether its digests go there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from pipeline.adapters.courier import BotCourier
from pipeline.adapters.couriers import PublicCouriers
from pipeline.adapters.token_box import TokenBox
from storage import operators
from storage.records import ActionKind, Operator, Unreached
from telegram_bot import offers
from telegram_bot.offers import Offers
from tests.bot.conftest import Opener
from tests.bot.desk import ANNA, BORIS, STRANGER, Desk, eventually, utc_now
from tests.bot.library import Library
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_people import Channel, Group, Person
from tests.servers.telegram_records import Message

GROUP, CHANNEL = -1001, -1002


class House:
    """The newsroom's desk and its public bot, with a person who may add it to groups and channels."""

    def __init__(self, desk: Desk, library: Library) -> None:
        self.desk = desk
        self.library = library
        self.telegram = desk.telegram
        self.olga: Person = self.telegram.user(700, "Olga", "en")
        self.group: Group = self.telegram.group(GROUP, "Neighbours of line 7", self.olga)
        self.channel: Channel = self.telegram.channel(CHANNEL, "Tram channel")

    @property
    def token(self) -> str:
        return self.library.token("city")

    async def asked(self, operator_id: int = ANNA, number: int = 0) -> Message:
        """The `number`-th question that an operator gets, as soon as they do."""
        return await self.desk.arrival(operator_id, number)

    async def state(self, chat_id: int = GROUP) -> str | None:
        found = await self.library.subscriber(chat_id)
        return f"{found.state} {found.reason or ''}".strip() if found else None

    async def becomes(self, expected: str, chat_id: int = GROUP) -> None:
        async def is_so() -> int:
            return await self.state(chat_id) == expected

        await eventually(is_so, True)

    async def settle(self) -> None:
        """Wait until the public bot has confirmed what it was told, and some looks after that."""
        await self.library.is_done()
        await asyncio.sleep(5 * offers.LOOK_EVERY_S)


@pytest.fixture
async def house(library: Library, open_desk: Opener) -> AsyncIterator[House]:
    desk = await open_desk()
    async with desk.database.write() as session:
        await operators.seen(session, Operator(BORIS, "Boris", "ru"), utc_now())
    couriers = PublicCouriers(desk.telegram.url, lambda: TokenBox(library.key))
    desk.tools = library.tools = replace(
        desk.tools,
        couriers=couriers,
        settings=desk.settings.model_copy(update={"delivery": library.tools.settings.delivery}),
    )
    await desk.stop()
    await desk.start()
    await library.open("city")
    await library.start()
    asking = asyncio.create_task(Offers(desk.tools, BotCourier(desk.bot)).run())
    yield House(desk, library)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    for one in couriers._open.values():
        await (await one.bot.session.create_session()).close()  # type: ignore[attr-defined]


async def test_every_operator_is_asked_once_in_their_language_about_a_group(house: House) -> None:
    await house.group.add_bot(house.token, house.olga)
    assert "is now in the group “Neighbours of line 7”. Deliver its digests there?" in (await house.asked()).text
    assert "«City news» добавили в группу «Neighbours of line 7»" in (await house.asked(BORIS)).text
    await house.settle()
    assert [len(house.desk.sent_to(one)) for one in (ANNA, BORIS, STRANGER)] == [1, 1, 0]
    assert await house.state() == "offered"
    assert not house.desk.sent_to(GROUP), "before their word it is silent"


async def test_with_a_yes_the_group_reads_and_is_greeted(house: House) -> None:
    await house.group.add_bot(house.token, house.olga)
    question = await house.asked()
    await house.desk.press(house.desk.anna, question, "Yes, deliver")
    await house.telegram.wait_for(lambda: house.telegram.messages(GROUP, house.token))
    assert await house.state() == "active"
    assert question.text == "“Neighbours of line 7” gets the digests of “City news” from now on. Anna decided it."
    assert not list(question.buttons())
    assert [one.text for one in house.desk.sent_to(GROUP)] == [
        "Hello! The digests of “City news” come here from now on."
    ]
    assert await written_down(house) == [(ActionKind.ACCEPT_CHAT, ANNA, "Anna")]


async def test_with_a_no_it_stays_silent_and_is_not_asked_again(house: House) -> None:
    await house.group.add_bot(house.token, house.olga)
    question = await house.asked()
    await house.desk.press(house.desk.anna, question, "No")
    assert question.text.startswith("“Neighbours of line 7” gets no digests of “City news”. Anna decided it.")
    await house.group.make_admin(house.token, house.olga)
    await house.settle()
    assert await house.state() == "declined"
    assert not house.desk.sent_to(GROUP)
    assert len(house.desk.sent_to(ANNA)) == 1
    assert await written_down(house) == [(ActionKind.DECLINE_CHAT, ANNA, "Anna")]


async def written_down(house: House) -> list[tuple[ActionKind, int | None, str]]:
    bot = await house.library.bot()
    async with house.library.database.read() as session:
        found = await operators.actions_of_bot(session, bot.id, 10)
    return [(one.kind, one.actor.id, one.actor.name) for one in found]


async def test_the_first_word_counts_and_others_are_told_whose_it_was(house: House) -> None:
    await house.group.add_bot(house.token, house.olga)
    annas, borises = await house.asked(ANNA), await house.asked(BORIS)
    await house.desk.press(house.desk.anna, annas, "Yes, deliver")
    assert "Anna" in await house.desk.press(house.desk.boris, borises, "Нет")
    await house.telegram.wait_for(lambda: not list(borises.buttons()))
    assert borises.text == "«Neighbours of line 7» теперь получает дайджесты «City news». Решение: Anna."
    assert await house.state() == "active"
    assert len(await written_down(house)) == 1
    assert len(house.desk.sent_to(GROUP)) == 1


async def test_two_fingers_on_yes_are_one_decision_and_one_hello(house: House) -> None:
    await house.group.add_bot(house.token, house.olga)
    question = await house.asked()
    presses = [await house.desk.anna.press(question, "Yes, deliver") for _ in range(2)]
    await house.telegram.wait_for(lambda: all(press.answer is not None for press in presses))
    await house.settle()
    assert len(await written_down(house)) == 1
    assert len(house.desk.sent_to(GROUP)) == 1


async def test_a_stranger_cannot_answer(house: House) -> None:
    await house.group.add_bot(house.token, house.olga)
    assert str(STRANGER) in await house.desk.press(house.desk.stranger, await house.asked(), "Yes, deliver")
    assert await house.state() == "offered"


async def test_a_channel_offers_itself_by_making_the_bot_its_administrator(house: House) -> None:
    await house.channel.make_admin(house.token, house.olga)
    question = await house.asked()
    assert "is now an administrator of the channel “Tram channel”" in question.text
    await house.desk.press(house.desk.anna, question, "Yes, deliver")
    await house.telegram.wait_for(lambda: house.telegram.messages(CHANNEL, house.token))
    assert await house.state(CHANNEL) == "active"


async def test_a_channel_that_does_not_let_it_post_is_no_offer_until_it_does(house: House) -> None:
    await house.channel.make_admin(house.token, house.olga, can_post=False)
    await house.settle()
    assert await house.state(CHANNEL) is None
    await house.channel.make_admin(house.token, house.olga)
    await house.becomes("offered", CHANNEL)
    await house.channel.make_admin(house.token, house.olga, can_post=False)
    await house.becomes(f"retired {Unreached.NO_RIGHTS}", CHANNEL)


async def test_a_chat_that_throws_it_out_is_retired_and_asked_about_when_it_returns(house: House) -> None:
    await house.group.add_bot(house.token, house.olga)
    await house.desk.press(house.desk.anna, await house.asked(), "Yes, deliver")
    await house.group.remove_bot(house.token, house.olga)
    await house.becomes(f"retired {Unreached.REMOVED}")
    await house.group.add_bot(house.token, house.olga)
    assert "Neighbours of line 7" in (await house.asked(number=1)).text
    assert await house.state() == "offered"


async def test_a_yes_that_comes_after_it_was_thrown_out_changes_nothing(house: House) -> None:
    await house.group.add_bot(house.token, house.olga)
    question = await house.asked()
    await house.group.remove_bot(house.token, house.olga)
    await house.becomes(f"retired {Unreached.REMOVED}")
    await house.desk.press(house.desk.anna, question, "Yes, deliver")
    await house.telegram.wait_for(lambda: "nothing to decide" in question.text)
    assert await house.state() == f"retired {Unreached.REMOVED}"
    assert await written_down(house) == []


async def test_a_group_that_becomes_a_supergroup_goes_on_reading(house: House) -> None:
    small = house.telegram.group(-5, "Small group", house.olga, is_super=False)
    await small.add_bot(house.token, house.olga)
    await house.desk.press(house.desk.anna, await house.asked(), "Yes, deliver")
    await house.becomes("active", -5)
    big = await small.migrate(house.olga)
    await house.becomes("active", big.id)
    found = await house.library.subscriber(big.id)
    assert found is not None
    assert (found.kind, found.title) == ("supergroup", "Small group")
    assert await house.state(-5) is None


async def test_a_move_that_telegram_tells_as_a_new_group_first_asks_nobody_again(house: House) -> None:
    small = house.telegram.group(-5, "Small group", house.olga, is_super=False)
    await small.add_bot(house.token, house.olga)
    await house.desk.press(house.desk.anna, await house.asked(), "Yes, deliver")
    await house.becomes("active", -5)
    big = house.telegram.group(-1009, "Small group", house.olga)
    await big.add_bot(house.token, house.olga)
    await house.becomes("offered", -1009)
    notice = {"message_id": 1, "date": 1, "chat": big.chat.json(), "migrate_from_chat_id": -5}
    await house.telegram.inject(house.token, {"message": notice})
    await house.becomes("active", -1009)
    await house.becomes(f"retired {Unreached.NOT_FOUND}", -5)


async def test_an_operator_who_cannot_be_written_to_holds_up_no_other(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await house.desk.boris.block(house.desk.bot.token)
    await house.group.add_bot(house.token, house.olga)
    await house.asked(ANNA)
    await house.settle()
    assert len(house.desk.sent_to(ANNA)) == 1
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


async def test_where_no_operator_listens_they_are_asked_when_one_does(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(offers, "NOBODY_LISTENS_S", 0.1)
    for person in (house.desk.anna, house.desk.boris):
        await person.block(house.desk.bot.token)
    await house.group.add_bot(house.token, house.olga)

    async def said() -> int:
        return "somebody must start the admin bot" in caplog.text

    await eventually(said, True)
    await house.desk.anna.unblock(house.desk.bot.token)
    await house.asked(ANNA)


async def test_a_flood_while_operators_are_asked_is_waited_for(house: House) -> None:
    floods = iter([Fault.flood(1)])
    house.telegram.fault = lambda call: next(floods, None) if call.method == "sendMessage" else None
    await house.group.add_bot(house.token, house.olga)
    await house.asked(ANNA)
    await house.asked(BORIS)
    await house.settle()
    assert not house.telegram.early_calls
    assert [len(house.desk.sent_to(one)) for one in (ANNA, BORIS)] == [1, 1]


async def test_a_hello_that_cannot_be_said_costs_nothing_else(house: House) -> None:
    await house.group.add_bot(house.token, house.olga)
    question = await house.asked()
    house.telegram.fault = lambda call: Fault.html() if call.chat_id == GROUP else None
    await house.desk.press(house.desk.anna, question, "Yes, deliver")
    await house.telegram.wait_for(lambda: "from now on" in question.text)
    await house.settle()
    assert await house.state() == "active"


async def test_telegrams_no_to_a_hello_counts_for_the_delivery_too(house: House) -> None:
    await house.group.add_bot(house.token, house.olga)
    question = await house.asked()
    house.telegram.fault = lambda call: Fault.flood(30) if call.chat_id == GROUP else None
    await house.desk.press(house.desk.anna, question, "Yes, deliver")
    bot = await house.library.bot()

    async def is_silent() -> int:
        return await house.desk.tools.limiter.pause_left_s(bot.id) > 25

    await eventually(is_silent, True)
