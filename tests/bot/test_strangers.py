"""Nobody but operators gets anything but one polite line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiogram import Router
from aiogram.types import Update
from sqlalchemy import event, text

from storage import strangers
from telegram_bot import strangers as counting
from telegram_bot.app import make_dispatcher
from telegram_bot.callbacks import BotAction, ChooseBot
from tests.bot.conftest import Opener
from tests.bot.desk import ANNA, STRANGER, TOKEN, Desk, fresh_posts, utc_now
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_server import TelegramServer
from tests.support import make_spec

ANONYMOUS_ADMIN = 1087968824
Json = dict[str, Any]
Feeder = Callable[..., Awaitable[list[str]]]


async def answered_all(desk: Desk) -> None:
    """Wait until whatever was sent before has been handled, and no run was started by it."""
    bot = desk.telegram.bot(TOKEN)
    await desk.telegram.wait_for(lambda: not bot.updates)
    assert not await desk.runs()


async def test_a_stranger_gets_one_line_with_their_id_and_no_second_one(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    line = await desk.ask(desk.stranger, "/start")
    assert line.text == f"This bot serves its newsroom. Your Telegram id is {STRANGER}."
    for words in ("/digest", "/digest city", "/status", "/cancel", "/sources", "/start city-7", "hello?"):
        await desk.stranger.send(TOKEN, words)
    await answered_all(desk)
    assert desk.sent_to(STRANGER) == [line]


async def test_a_stranger_is_turned_away_in_their_language(desk: Desk) -> None:
    desk.stranger.account.language_code = "ru"
    assert "Ваш Telegram id — 99" in (await desk.ask(desk.stranger, "/digest")).text


async def test_strangers_in_groups_get_nothing_and_operators_are_served(desk: Desk, telegram: TelegramServer) -> None:
    await desk.open(fresh_posts(3))
    group = telegram.group(-1001, "Newsroom", desk.anna, desk.stranger)
    await group.add_bot(TOKEN, by=desk.anna)
    await desk.stranger.send(TOKEN, "/digest", group)
    await desk.stranger.send(TOKEN, "/start", group)
    await answered_all(desk)
    assert not telegram.sent
    await desk.ask(desk.anna, "/digest", group)
    assert (await desk.the_run()).requested_by == desk.anna.id


async def test_an_anonymous_administrator_of_a_group_is_no_operator(desk: Desk, telegram: TelegramServer) -> None:
    await desk.open(fresh_posts(3))
    anonymous = telegram.user(ANONYMOUS_ADMIN, "Group")
    anonymous.account.is_bot = True
    group = telegram.group(-1001, "Newsroom", desk.anna, anonymous)
    await group.add_bot(TOKEN, by=desk.anna)
    await anonymous.send(TOKEN, "/digest", group)
    await answered_all(desk)
    assert not telegram.sent


async def test_a_strangers_press_starts_nothing(desk: Desk, telegram: TelegramServer) -> None:
    await desk.open(fresh_posts(3), make_spec("city"), make_spec("parks"))
    choice = await desk.ask(desk.anna, "/digest")
    assert ChooseBot(action=BotAction.DIGEST, bot_id=1).pack() in {one["callback_data"] for one in choice.buttons()}
    assert "99" in await desk.press(desk.stranger, choice, "City news")
    await answered_all(desk)
    assert not desk.sent_to(STRANGER)


async def test_without_operators_everybody_is_a_stranger(hurry: None, open_desk: Opener) -> None:
    desk = await open_desk(operator_ids=())
    await desk.open(fresh_posts(3))
    for person in (desk.anna, desk.stranger):
        assert str(person.id) in (await desk.ask(person, "/digest")).text
    await answered_all(desk)


async def test_a_stranger_cannot_press_what_an_operator_was_asked_in_their_group(
    desk: Desk, telegram: TelegramServer
) -> None:
    await desk.open(fresh_posts(3))
    group = telegram.group(-1001, "Newsroom", desk.anna, desk.stranger)
    await group.add_bot(TOKEN, by=desk.anna)
    card = await desk.ask(desk.anna, "/digest", group)
    assert str(STRANGER) in await desk.press(desk.stranger, card, "Cancel")
    press = await desk.stranger.press(card, "Cancel")
    await desk.press(desk.anna, card, "Cancel")
    assert not press.answer, "one line an hour, and nothing else"
    (run,) = await desk.runs()
    assert run.cancelled_by == desk.anna.id


async def test_what_strangers_want_is_counted_and_shown_to_operators(desk: Desk, telegram: TelegramServer) -> None:
    other = telegram.user(98, "Somebody else", "en")
    group = telegram.group(-1001, "Newsroom", desk.anna, desk.stranger, other)
    await group.add_bot(TOKEN, by=desk.anna)
    for words in ("/start", "/digest", "hello?"):
        await desk.stranger.send(TOKEN, words)
    await other.send(TOKEN, "/status", group)
    await group.make_admin(TOKEN, by=desk.anna)
    await other.send(TOKEN, "we have talked of this before", group)
    await answered_all(desk)
    await desk.strangers.write()
    came = "In the last day 2 strangers tried this bot, 4 times in all. They were shown nothing."
    assert (await desk.ask(desk.anna, "/errors")).text == f"Nothing went wrong lately.\n\n{came}"
    assert "2 человека, всего 4 раза" in (await desk.ask(desk.boris, "/errors")).text


async def test_a_strangers_press_is_counted(desk: Desk) -> None:
    await desk.open(fresh_posts(3), make_spec("city"), make_spec("parks"))
    await desk.press(desk.stranger, await desk.ask(desk.anna, "/digest"), "City news")
    await desk.strangers.write()
    assert "1 stranger tried this bot, 1 time in all" in (await desk.ask(desk.anna, "/errors")).text


async def test_a_flood_of_strangers_costs_the_database_one_write(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_COUNTED", 50)
    statements: list[str] = []
    for engine in (desk.database._writer, desk.database._reader):
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *of: statements.append(of[2]))
    dispatcher = make_dispatcher(desk.tools, desk.board, desk.strangers, desk.errands)
    for number in range(200):
        await dispatcher.feed_update(desk.bot, Update.model_validate(update(number, message=written(100 + number))))
    assert not [one for one in statements if "strangers" in one]
    await desk.strangers.write()
    assert len([one for one in statements if one.startswith("INSERT INTO strangers")]) == 1
    async with desk.database.read() as session:
        assert (await strangers.of_the_last_day(session, utc_now())).people == 50


async def test_a_crowd_of_strangers_does_not_use_up_what_the_bot_may_say(desk: Desk, telegram: TelegramServer) -> None:
    crowd = [telegram.user(1000 + number) for number in range(90)]
    for person in crowd:
        await person.send(TOKEN, "/start")
    await answered_all(desk)
    assert len(telegram.sent) == 60


async def test_counts_are_kept_until_the_database_takes_them(desk: Desk) -> None:
    await desk.stranger.send(TOKEN, "/start")
    await answered_all(desk)
    async with desk.database.write() as session:
        await session.execute(text("ALTER TABLE strangers RENAME TO elsewhere"))
    await desk.strangers.write()
    async with desk.database.write() as session:
        await session.execute(text("ALTER TABLE elsewhere RENAME TO strangers"))
    await desk.strangers.write()
    await desk.strangers.write()
    async with desk.database.read() as session:
        assert (await strangers.of_the_last_day(session, utc_now())).times == 1


async def test_counts_are_written_down_by_and_by(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "WRITE_EVERY_S", 0.02)
    writing = asyncio.create_task(desk.strangers.run())
    await desk.stranger.send(TOKEN, "/start")
    async with asyncio.timeout(5):
        while "1 stranger" not in (await desk.ask(desk.anna, "/errors")).text:
            await asyncio.sleep(0.02)
    writing.cancel()


async def test_a_stranger_who_cannot_be_answered_is_no_error(
    desk: Desk, telegram: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    telegram.fault = lambda call: (
        Fault.error(400, "Bad Request: query is too old") if call.params.get("chat_id") == STRANGER else None
    )
    await desk.stranger.send(TOKEN, "/start")
    await answered_all(desk)
    assert len(telegram.calls_of("sendMessage")) == 1
    assert not [record.getMessage() for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


def person(user_id: int, *, is_bot: bool = False) -> Json:
    return {"id": user_id, "is_bot": is_bot, "first_name": "Somebody"}


def written(user_id: int, **changes: Any) -> Json:
    chat = {"id": user_id, "type": "private", "first_name": "Somebody"}
    return {"message_id": 5, "date": 0, "chat": chat, "from": person(user_id), "text": "/status", **changes}


def update(number: int, **content: Any) -> Json:
    return {"update_id": number, **content}


def every_kind(user_id: int) -> dict[str, Json]:
    """What one user can make Telegram tell a bot, by kind."""
    who, message = person(user_id), written(user_id)
    chat, there = message["chat"], {"message_id": 5, "chat": message["chat"], "date": 0}
    was, now = {"status": "left", "user": who}, {"status": "member", "user": who}
    order = {"id": "1", "from": who, "currency": "XTR", "total_amount": 1, "invoice_payload": "x"}
    address = dict.fromkeys(("country_code", "state", "city", "street_line1", "street_line2", "post_code"), "x")
    source = {"source": "premium", "user": who}
    return {
        "message": message,
        "edited_message": message,
        "business_connection": {"id": "1", "user": who, "user_chat_id": user_id, "date": 0, "is_enabled": True},
        "business_message": {**message, "business_connection_id": "1"},
        "edited_business_message": {**message, "business_connection_id": "1"},
        "deleted_business_messages": {"business_connection_id": "1", "chat": chat, "message_ids": [5]},
        "message_reaction": {**there, "user": who, "old_reaction": [], "new_reaction": []},
        "message_reaction_count": {**there, "reactions": []},
        "inline_query": {"id": "1", "from": who, "query": "/status", "offset": ""},
        "chosen_inline_result": {"result_id": "1", "from": who, "query": "/status"},
        "callback_query": {"id": "1", "from": who, "message": message, "chat_instance": "1", "data": "w1:0"},
        "shipping_query": {"id": "1", "from": who, "invoice_payload": "x", "shipping_address": address},
        "pre_checkout_query": order,
        "purchased_paid_media": {"from": who, "paid_media_payload": "x"},
        "poll_answer": {"poll_id": "1", "user": who, "option_ids": [1], "option_persistent_ids": ["1"]},
        "my_chat_member": {**there, "from": who, "old_chat_member": was, "new_chat_member": now},
        "chat_member": {**there, "from": who, "old_chat_member": was, "new_chat_member": now},
        "chat_join_request": {"chat": chat, "from": who, "user_chat_id": user_id, "date": 0},
        "chat_boost": {"chat": chat, "boost": {"boost_id": "1", "add_date": 0, "expiration_date": 0, "source": source}},
        "removed_chat_boost": {"chat": chat, "boost_id": "1", "remove_date": 0, "source": source},
    }


@pytest.fixture
def arrived(desk: Desk) -> Feeder:
    """Feeds an update to the bot's dispatcher; which kinds reached a handler that takes everything."""
    reached: list[str] = []
    curious = Router(name="curious")
    for kind, observer in curious.observers.items():
        if kind not in {"update", "error"}:
            observer.register(lambda _, kind=kind: reached.append(kind))
    dispatcher = make_dispatcher(desk.tools, desk.board, desk.strangers, desk.errands)
    dispatcher.sub_routers.insert(0, curious)
    curious._parent_router = dispatcher

    async def feed(**content: Json) -> list[str]:
        reached.clear()
        await dispatcher.feed_update(desk.bot, Update.model_validate(update(1, **content)))
        return reached[:]

    return feed


async def test_nothing_of_any_kind_reaches_a_handler_from_a_stranger(arrived: Feeder) -> None:
    for kind, content in every_kind(STRANGER).items():
        assert await arrived(**{kind: content}) == [], kind


async def test_of_an_operator_messages_presses_and_memberships_reach_a_handler(arrived: Feeder) -> None:
    reached = [kind for kind, content in every_kind(ANNA).items() if await arrived(**{kind: content})]
    assert reached == ["message", "callback_query", "my_chat_member"]


GROUP = {"id": -1001, "type": "supergroup", "title": "Newsroom"}


@pytest.mark.parametrize(
    "changes",
    [
        {"from": person(ANONYMOUS_ADMIN, is_bot=True), "sender_chat": GROUP},
        {"sender_chat": GROUP},
        {"from": person(ANNA, is_bot=True)},
        {"from": None},
    ],
    ids=["anonymous administrator", "in a chat's name", "a bot", "nobody"],
)
async def test_whoever_hides_is_no_operator(arrived: Feeder, changes: Json) -> None:
    assert await arrived(message={**written(ANNA, chat=GROUP), **changes}) == []
    assert await arrived(message=written(ANNA, chat=GROUP)) == ["message"]


async def test_a_channel_has_no_author_and_is_admitted_for_itself(arrived: Feeder) -> None:
    post = {"message_id": 5, "date": 0, "chat": {"id": -1002, "type": "channel", "title": "News"}, "text": "/status"}
    assert await arrived(channel_post=post) == ["channel_post"]
    assert await arrived(edited_channel_post=post) == ["edited_channel_post"]
