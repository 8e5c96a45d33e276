"""The double judges messages as Telegram does."""

from __future__ import annotations

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity

from tests.servers.telegram_people import Person
from tests.servers.telegram_server import TelegramServer

from .conftest import ADMIN

pytestmark = pytest.mark.asyncio(loop_scope="module")


def keyboard(text: str = "Cancel", data: str = "v1:cancel:5") -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text=text, callback_data=data)]])


async def test_a_sent_message_is_in_the_chat_with_its_text_entities_and_buttons(
    telegram: TelegramServer, admin: Bot, anna: Person
) -> None:
    bold = MessageEntity(type="bold", offset=3, length=4)
    sent = await admin.send_message(7, "📰 News", entities=[bold], reply_markup=keyboard())
    seen = telegram.messages(7)[0]
    assert (sent.message_id, sent.text) == (seen.message_id, seen.text) == (1, "📰 News")
    assert seen.entities == [{"type": "bold", "offset": 3, "length": 4}]
    assert [button["text"] for button in seen.buttons()] == ["Cancel"]
    assert telegram.calls_of("sendMessage")[0].outcome == "ok"


async def test_every_version_of_an_edited_message_is_kept(telegram: TelegramServer, admin: Bot, anna: Person) -> None:
    sent = await admin.send_message(7, "0 of 10", reply_markup=keyboard())
    await admin.edit_message_text("5 of 10", chat_id=7, message_id=sent.message_id, reply_markup=keyboard())
    await admin.edit_message_text("10 of 10", chat_id=7, message_id=sent.message_id)
    [seen] = telegram.messages(7)
    assert seen.texts == ["0 of 10", "5 of 10", "10 of 10"]
    assert [len(list(seen.buttons(version))) for version in (0, 1, 2)] == [1, 1, 0]
    assert seen.history[0].time < seen.history[1].time < seen.history[2].time


async def test_an_edit_that_changes_nothing_is_refused(telegram: TelegramServer, admin: Bot, anna: Person) -> None:
    sent = await admin.send_message(7, "5 of 10", reply_markup=keyboard())
    with pytest.raises(TelegramBadRequest, match="message is not modified: specified new message content"):
        await admin.edit_message_text("5 of 10", chat_id=7, message_id=sent.message_id, reply_markup=keyboard())
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await admin.edit_message_reply_markup(chat_id=7, message_id=sent.message_id, reply_markup=keyboard())
    await admin.edit_message_reply_markup(chat_id=7, message_id=sent.message_id, reply_markup=keyboard("Stop"))
    assert len(telegram.messages(7)[0].history) == 2


async def test_what_is_missing_or_deleted_cannot_be_edited(telegram: TelegramServer, admin: Bot, anna: Person) -> None:
    sent = await admin.send_message(7, "soon gone")
    await admin.delete_message(7, sent.message_id)
    for missing in (sent.message_id, 99):
        with pytest.raises(TelegramBadRequest, match="message to edit not found"):
            await admin.edit_message_text("still here?", chat_id=7, message_id=missing)
    with pytest.raises(TelegramBadRequest, match="message to delete not found"):
        await admin.delete_message(7, sent.message_id)
    assert telegram.messages(7) == []
    assert telegram.sent[0].text == "soon gone"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "message text is empty"),
        (" \n ", "message text is empty"),
        ("x" * 4097, "message is too long"),
        ("😀" * 2049, "message is too long"),
    ],
)
async def test_texts_outside_the_limits_are_refused(
    telegram: TelegramServer, admin: Bot, anna: Person, text: str, complaint: str
) -> None:
    with pytest.raises(TelegramBadRequest, match=complaint):
        await admin.send_message(7, text)
    await admin.send_message(7, "😀" * 2048)
    assert len(telegram.messages(7)) == 1


@pytest.mark.parametrize(
    ("offset", "length", "complaint"),
    [(0, 5, "ends after the end of the text at UTF-16 offset 5"), (1, 2, "middle of a UTF-16 symbol")],
)
async def test_entities_must_lie_within_the_text(
    telegram: TelegramServer, admin: Bot, anna: Person, offset: int, length: int, complaint: str
) -> None:
    entity = MessageEntity(type="bold", offset=offset, length=length)
    with pytest.raises(TelegramBadRequest, match=complaint):
        await admin.send_message(7, "😀 ab"[:3], entities=[entity])


async def test_entities_beyond_the_hundredth_are_dropped_and_counted(
    telegram: TelegramServer, admin: Bot, anna: Person
) -> None:
    entities = [MessageEntity(type="bold", offset=2 * number, length=1) for number in range(103)]
    await admin.send_message(7, "a " * 103, entities=entities)
    [seen] = telegram.messages(7)
    assert (len(seen.entities), seen.surplus_entities) == (100, 3)


async def test_html_becomes_entities_and_bad_html_is_refused(
    telegram: TelegramServer, admin: Bot, anna: Person
) -> None:
    await admin.send_message(
        7, '<b>A &lt; B</b> <a href="https://example.org/?a=1&amp;b=2">more</a>', parse_mode="HTML"
    )
    seen = telegram.messages(7)[0]
    assert seen.text == "A < B more"
    assert [(entity["type"], entity["offset"], entity["length"]) for entity in seen.entities] == [
        ("bold", 0, 5),
        ("text_link", 6, 4),
    ]
    assert seen.links == ["https://example.org/?a=1&b=2"]
    for broken in ("5 < 6", "<p>no</p>", "<b>open", "<b>a</i>", "shut</b>"):
        with pytest.raises(TelegramBadRequest, match="can't parse entities"):
            await admin.send_message(7, broken, parse_mode="HTML")


async def test_callback_data_has_sixty_four_bytes(telegram: TelegramServer, admin: Bot, anna: Person) -> None:
    await admin.send_message(7, "fits", reply_markup=keyboard(data="ж" * 32))
    with pytest.raises(TelegramBadRequest, match="BUTTON_DATA_INVALID"):
        await admin.send_message(7, "does not", reply_markup=keyboard(data="ж" * 32 + "x"))


async def test_a_bot_may_only_write_to_those_who_let_it(telegram: TelegramServer, admin: Bot, anna: Person) -> None:
    telegram.user(8, "Stranger")
    gone = telegram.user(9, "Gone")
    gone.deactivate()
    news = telegram.channel(-1001, "News", "news")
    await anna.block(ADMIN)
    refusals = {
        7: "bot was blocked by the user",
        8: "bot can't initiate conversation with a user",
        9: "user is deactivated",
        -1001: "bot is not a member of the channel chat",
        43: "bots can't send messages to bots",
    }
    for chat_id, refusal in refusals.items():
        with pytest.raises(TelegramForbiddenError, match=refusal):
            await admin.send_message(chat_id, "hello")
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await admin.send_message(12345, "hello")
    await anna.unblock(ADMIN)
    await telegram.make_admin(news, ADMIN, by=anna)
    await admin.send_message(7, "hello again")
    assert (await admin.send_message("@news", "hello, readers")).sender_chat is not None
