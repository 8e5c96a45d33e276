"""Nobody but operators gets anything but one polite line."""

from __future__ import annotations

from telegram_bot.callbacks import BotAction, ChooseBot
from tests.bot.conftest import Opener
from tests.bot.desk import STRANGER, TOKEN, Desk, fresh_posts
from tests.servers.telegram_server import TelegramServer
from tests.support import make_spec

ANONYMOUS_ADMIN = 1087968824


async def answered_all(desk: Desk) -> None:
    """Wait until whatever was sent before has been handled, and no run was started by it."""
    bot = desk.telegram.bot(TOKEN)
    await desk.telegram.wait_for(lambda: not bot.updates)
    assert not await desk.runs()


async def test_a_stranger_gets_one_line_with_their_id_and_no_second_one(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    line = await desk.ask(desk.stranger, "/start")
    assert line.text == f"This bot serves its newsroom. Your Telegram id is {STRANGER}."
    for words in ("/digest", "/digest city", "/status", "/cancel", "/sources", "hello?"):
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
