"""What people do reaches a real aiogram bot as Telegram would bring it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from aiogram.methods import SendDice
from aiogram.types import BotCommand, BotCommandScopeAllPrivateChats, InlineKeyboardButton, InlineKeyboardMarkup, Update

from tests.servers.telegram_people import Person
from tests.servers.telegram_server import TelegramServer

from .conftest import ADMIN, READERS

pytestmark = pytest.mark.asyncio(loop_scope="module")
REPOSITORY = Path(__file__).parents[3]


async def updates(bot: Bot, **wishes: Any) -> list[Update]:
    return await bot.get_updates(timeout=5, **wishes)


async def test_a_long_poll_wakes_up_for_an_update_and_confirms_by_offset(
    telegram: TelegramServer, admin: Bot, anna: Person
) -> None:
    poll = asyncio.create_task(updates(admin))
    await telegram.wait_for(lambda: telegram.bot(42).poll == 1)
    await anna.send(ADMIN, "/digest tech 24h")
    [update] = await poll
    assert update.message is not None
    assert update.message.entities is not None
    assert update.message.from_user is not None
    assert (update.message.text, update.message.from_user.language_code) == ("/digest tech 24h", "ru")
    assert [(e.type, e.offset, e.length) for e in update.message.entities] == [("bot_command", 0, 7)]
    assert len(await updates(admin)) == 1, "not confirmed yet, so it comes again"
    await anna.send(ADMIN, "/status")
    [following] = await updates(admin, offset=update.update_id + 1, limit=1)
    assert following.message is not None
    assert following.message.text == "/status"
    assert await admin.get_updates(offset=following.update_id + 1, timeout=0) == []


async def test_a_bot_gets_only_the_kinds_of_updates_it_asked_for(
    telegram: TelegramServer, admin: Bot, anna: Person
) -> None:
    await admin.get_updates(allowed_updates=["my_chat_member"])
    await anna.send(ADMIN, "hello")
    await anna.block(ADMIN)
    [update] = await updates(admin)
    assert update.my_chat_member is not None
    assert update.my_chat_member.new_chat_member.status == "kicked"


async def test_a_pressed_button_reaches_the_bot_that_sent_it_and_hears_its_answer(
    telegram: TelegramServer, admin: Bot, anna: Person
) -> None:
    cancel = InlineKeyboardButton(text="Cancel", callback_data="v1:cancel:5")
    await admin.send_message(7, "A run", reply_markup=InlineKeyboardMarkup(inline_keyboard=[[cancel]]))
    card = telegram.messages(7)[0]
    press = await anna.press(card, "Cancel")
    [update] = await updates(admin)
    assert update.callback_query is not None
    assert update.callback_query.data == "v1:cancel:5"
    await admin.answer_callback_query(update.callback_query.id, "Cancelled")
    assert press.answer is not None
    assert press.answer["text"] == "Cancelled"
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await admin.answer_callback_query(update.callback_query.id)
    with pytest.raises(LookupError, match="No button 'Pause'"):
        await anna.press(card, "Pause")


async def test_two_bots_have_their_own_chats_updates_and_commands(
    telegram: TelegramServer, session: AiohttpSession, admin: Bot, anna: Person
) -> None:
    readers = Bot(READERS, session=session)
    assert [(await bot.get_me()).username for bot in (admin, readers)] == ["digest_bot", "tech_bot"]
    await anna.send(READERS, "/start")
    assert await admin.get_updates() == []
    assert len(await updates(readers)) == 1
    await readers.send_message(7, "Welcome")
    await admin.send_message(7, "A run")
    assert [message.text for message in telegram.messages(7, READERS)] == ["Welcome"]
    assert [message.text for message in telegram.messages(7)] == ["Welcome", "A run"]
    assert telegram.last_message(7) is telegram.messages(7, bot=42)[0]
    private = BotCommandScopeAllPrivateChats()
    command = BotCommand(command="digest", description="Сделать дайджест")
    await admin.set_my_commands([command], scope=private, language_code="ru")
    [kept] = await admin.get_my_commands(scope=private, language_code="ru")
    assert (kept.command, kept.description) == ("digest", "Сделать дайджест")
    assert await admin.get_my_commands(scope=private) == []
    assert await readers.get_my_commands(scope=private, language_code="ru") == []


async def test_unknown_and_revoked_tokens_are_unauthorized(
    telegram: TelegramServer, session: AiohttpSession, admin: Bot
) -> None:
    with pytest.raises(TelegramUnauthorizedError, match="Unauthorized"):
        await Bot("99:ZZZ", session=session).get_me()
    poll = asyncio.create_task(updates(admin))
    await telegram.wait_for(lambda: telegram.bot(42).poll == 1)
    await telegram.revoke_token(ADMIN)
    with pytest.raises(TelegramUnauthorizedError):
        await poll
    telegram.register_bot("42:NEW", 42, "digest_bot")
    assert (await Bot("42:NEW", session=session).get_me()).id == 42
    with pytest.raises(TelegramUnauthorizedError):
        await admin.get_me()


async def test_of_two_polls_for_one_bot_the_newer_ends_the_older(telegram: TelegramServer, admin: Bot) -> None:
    older = asyncio.create_task(updates(admin))
    await telegram.wait_for(lambda: telegram.bot(42).poll == 1)
    newer = asyncio.create_task(updates(admin))
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates request"):
        await older
    await telegram.user(7, "Anna").send(ADMIN, "hello")
    assert len(await newer) == 1


async def test_an_unknown_method_is_not_found(telegram: TelegramServer, admin: Bot) -> None:
    with pytest.raises(TelegramNotFound):
        await admin(SendDice(chat_id=7))


async def test_a_bot_made_administrator_of_a_channel_gets_its_posts_albums_and_edits(
    telegram: TelegramServer, admin: Bot, anna: Person
) -> None:
    news = telegram.channel(-1001, "News", "news")
    await news.post("before the bot came")
    await telegram.make_admin(news, ADMIN, by=anna)
    post = await news.post("Hello https://example.org/1.")
    await news.post(caption="Two pictures", album="a1")
    await news.post(album="a1")
    await news.edit(post, "Hello again")
    made_admin, text, photo, second_photo, edit = await updates(admin)
    assert made_admin.my_chat_member is not None
    assert made_admin.my_chat_member.from_user.id == 7
    assert made_admin.my_chat_member.new_chat_member.status == "administrator"
    assert text.channel_post is not None
    assert text.channel_post.entities is not None
    assert text.channel_post.entities[0].extract_from(text.channel_post.text or "") == "https://example.org/1"
    assert photo.channel_post is not None
    assert second_photo.channel_post is not None
    assert photo.channel_post.photo
    assert (photo.channel_post.caption, second_photo.channel_post.caption) == ("Two pictures", None)
    assert photo.channel_post.media_group_id == second_photo.channel_post.media_group_id == "a1"
    assert edit.edited_channel_post is not None
    assert edit.edited_channel_post.text == "Hello again"
    assert [member.user.id for member in await admin.get_chat_administrators(-1001)] == [7, 42]
    assert (await admin.get_chat_member(-1001, 7)).status == "administrator"
    assert (await admin.get_chat(-1001)).title == "News"
    assert await admin.leave_chat(-1001)
    with pytest.raises(TelegramForbiddenError, match="bot is not a member of the channel chat"):
        await admin.get_chat(-1001)


async def test_in_a_group_a_bot_hears_commands_and_a_moved_group_says_where_it_went(
    telegram: TelegramServer, admin: Bot, anna: Person
) -> None:
    desk = telegram.group(-55, "Desk", anna, is_super=False)
    await desk.add_bot(ADMIN, by=anna)
    for text in ("just talking", "/status@tech_bot", "/status@digest_bot", "/status"):
        await anna.send(ADMIN, text, chat=desk)
    heard = [update.message.text for update in await updates(admin) if update.message]
    assert heard == ["/status@digest_bot", "/status"]
    moved = await desk.migrate(by=anna)
    with pytest.raises(TelegramMigrateToChat) as refusal:
        await admin.send_message(-55, "hello")
    assert refusal.value.migrate_to_chat_id == moved.id
    await admin.send_message(moved.id, "hello")
    await moved.remove_bot(ADMIN, by=anna)
    with pytest.raises(TelegramForbiddenError, match="bot was kicked from the supergroup chat"):
        await admin.send_message(moved.id, "hello?")


async def test_a_person_with_curl_can_play_a_user_of_a_server_in_its_own_process() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.servers.telegram_server", "--bot", f"{ADMIN}=digest_bot", "--user", "7=Anna"),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        url = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession(url) as curl:
            await _post(curl, "/control/send", {"user": 7, "bot": 42, "text": "/start"})
            received = await _post(curl, f"/bot{ADMIN}/getUpdates", {})
            assert received["result"][0]["message"]["text"] == "/start"
            buttons = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
            await _post(curl, f"/bot{ADMIN}/sendMessage", {"chat_id": 7, "text": "Hi", "reply_markup": buttons})
            async with curl.get("/control/messages?chat=7") as answer:
                assert [message["text"] for message in await answer.json()] == ["Hi"]
            assert (await _post(curl, "/control/press", {"user": 7, "chat": 7, "button": "Go"}))["data"] == "go"
            assert (
                "no message in chat 7"
                in (await _post(curl, "/control/press", {"user": 7, "chat": 7, "button": "Stop"}))["error"]
            )
    finally:
        process.terminate()
    assert await process.wait() == 0


async def _post(curl: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> dict[str, Any]:
    async with curl.post(path, json=body) as answer:
        found: dict[str, Any] = await answer.json()
        return found
