"""/start, /help, the menu, and what the bot says to words it does not know."""

from __future__ import annotations

import pytest

from telegram_bot.menu import set_menu
from telegram_bot.views.help import command_menu
from tests.bot.conftest import Opener
from tests.bot.desk import TOKEN, Desk
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_server import TelegramServer
from texts import Texts

GREETINGS = {"/start": ("Your digest desk", "Ваш редактор дайджестов"), "/help": ("What I can do", "Что я умею")}


@pytest.mark.parametrize("command", GREETINGS)
async def test_each_operator_is_answered_in_their_language(desk: Desk, command: str) -> None:
    english, russian = GREETINGS[command]
    to_anna, to_boris = await desk.ask(desk.anna, command), await desk.ask(desk.boris, command)
    assert to_anna.text.startswith(english)
    assert to_boris.text.startswith(russian)
    for name in ("/digest", "/status", "/cancel", "/sources", "/help"):
        assert name in to_anna.text
        assert name in to_boris.text


async def test_who_speaks_neither_is_answered_in_the_language_of_the_settings(hurry: None, open_desk: Opener) -> None:
    desk = await open_desk(account={"language": "ru"})
    desk.anna.account.language_code = "de"
    assert (await desk.ask(desk.anna, "/help")).text.startswith("Что я умею")


async def test_unknown_words_get_help(desk: Desk) -> None:
    for words in ("good morning", "/nonsense", "/digestt city"):
        assert (await desk.ask(desk.anna, words)).text.startswith("What I can do")


async def test_in_a_group_only_commands_are_answered(desk: Desk, telegram: TelegramServer) -> None:
    group = telegram.group(-1001, "Newsroom", desk.anna)
    await group.make_admin(TOKEN, by=desk.anna)
    await desk.anna.send(TOKEN, "good morning everybody", group)
    await desk.anna.send(TOKEN, "/status@another_bot", group)
    answer = await desk.ask(desk.anna, "/help@digest_bot", group)
    assert answer.text.startswith("What I can do")
    assert desk.sent_to(group.id) == [answer]


def menu(telegram: TelegramServer, language: str) -> list[str]:
    found = {key[1]: commands for key, commands in telegram.bot(TOKEN).commands.items()}
    return [f"/{command['command']} {command['description']}" for command in found[language]]


async def test_the_menu_is_set_in_both_languages(desk: Desk, telegram: TelegramServer) -> None:
    await set_menu(desk.bot, command_menu, "ru")
    assert "/digest make a digest" in menu(telegram, "en")
    assert "/digest сделать дайджест" in menu(telegram, "ru")
    assert menu(telegram, "") == menu(telegram, "ru"), "for whoever speaks neither: as telegram.language says"
    assert len(menu(telegram, "en")) == len(menu(telegram, "ru")) == len(command_menu(Texts("en")))


async def test_a_menu_that_cannot_be_set_is_worth_a_line_in_the_log(
    desk: Desk, telegram: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    faults = iter([Fault.html(), Fault.drop(), Fault.error(500, "Internal Server Error"), Fault.flood(1)])
    telegram.fault = lambda call: next(faults) if call.method == "setMyCommands" else None
    for number in range(1, 5):
        await set_menu(desk.bot, command_menu, "en")
        assert caplog.text.count("menu could not be set") == number
