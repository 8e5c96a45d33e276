"""An operator who sends more than anybody means to is slowed down, politely, and nothing waits in a queue."""

from __future__ import annotations

from telegram_bot.middlewares.patience import REQUESTS
from tests.bot.desk import ANNA, BORIS, TOKEN, Desk, fresh_posts
from tests.bot.test_strangers import answered_all
from tests.servers.telegram_records import Message
from tests.servers.telegram_server import TelegramServer
from tests.support import make_spec

TOO_MUCH = "That is too much at once, so I left it out. Wait ten seconds, then try again."
TOO_MUCH_IN_RUSSIAN = "Слишком много за раз"


def first_button(message: Message) -> str:
    return str(next(iter(message.buttons(0)))["callback_data"])


async def test_after_twenty_commands_the_rest_gets_one_line(desk: Desk) -> None:
    for _ in range(REQUESTS + 15):
        await desk.anna.send(TOKEN, "/help")
    await answered_all(desk)
    texts = [message.text for message in desk.sent_to(ANNA)]
    assert len(texts) == REQUESTS + 1
    assert texts[-1] == TOO_MUCH
    assert TOO_MUCH not in texts[:-1]


async def test_what_was_too_much_is_not_done_later(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    for _ in range(REQUESTS):
        await desk.anna.send(TOKEN, "/help")
    await desk.anna.send(TOKEN, "/digest")
    await answered_all(desk)
    assert desk.sent_to(ANNA)[-1].text == TOO_MUCH


async def test_one_operator_does_not_slow_down_another(desk: Desk) -> None:
    for _ in range(REQUESTS + 1):
        await desk.anna.send(TOKEN, "/help")
    await answered_all(desk)
    assert TOO_MUCH_IN_RUSSIAN not in (await desk.ask(desk.boris, "/help")).text
    assert [message.chat.id for message in desk.telegram.sent].count(BORIS) == 1


async def test_presses_count_too_and_are_answered_with_a_toast(desk: Desk) -> None:
    await desk.open(fresh_posts(3), make_spec("city"), make_spec("parks"))
    bots = await desk.ask(desk.anna, "/bots")
    answers = [await desk.press(desk.anna, bots, first_button(bots), version=0) for _ in range(REQUESTS + 5)]
    assert answers.count(TOO_MUCH) == 6, "the command was one of the twenty"
    assert TOO_MUCH not in answers[: REQUESTS - 1]
    assert len(desk.sent_to(ANNA)) == 1


async def test_presses_without_end_are_not_answered_without_end(desk: Desk, telegram: TelegramServer) -> None:
    await desk.open(fresh_posts(3), make_spec("city"), make_spec("parks"))
    bots = await desk.ask(desk.anna, "/bots")
    for _ in range(REQUESTS * 3):
        await desk.anna.press(bots, first_button(bots), version=0)
    await answered_all(desk)
    assert len(telegram.calls_of("answerCallbackQuery")) == REQUESTS - 1 + REQUESTS


async def test_all_chats_of_an_operator_count_together(desk: Desk, telegram: TelegramServer) -> None:
    group = telegram.group(-1001, "Newsroom", desk.anna)
    await group.add_bot(TOKEN, by=desk.anna)
    for _ in range(REQUESTS):
        await desk.anna.send(TOKEN, "/help")
    await answered_all(desk)
    assert (await desk.ask(desk.anna, "/help", group)).text == TOO_MUCH


async def test_talk_in_a_group_is_no_request(desk: Desk, telegram: TelegramServer) -> None:
    group = telegram.group(-1001, "Newsroom", desk.anna)
    await group.make_admin(TOKEN, by=desk.anna)
    for _ in range(REQUESTS + 5):
        await desk.anna.send(TOKEN, "We have talked of this before.", group)
    assert "/digest" in (await desk.ask(desk.anna, "/help", group)).text
