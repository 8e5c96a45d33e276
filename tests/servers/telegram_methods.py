"""The Bot API's methods, as https://core.telegram.org/bots/api has them: parameters in, result or ApiError out."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

from .telegram_records import OUTSIDE, ApiError, Call, Chat, Json, Message, bad_request
from .telegram_text import Formatted, checked_markup, formatted
from .telegram_world import Bot, TelegramWorld

Method = Callable[[TelegramWorld, Bot, Call], Awaitable[Any]]

MAX_UPDATES = 100
MAX_CALLBACK_ANSWER_CHARS = 200
MAX_UPLOAD_BYTES = 50_000_000  # https://core.telegram.org/bots/api#sending-files
_CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
_WEBHOOK = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)


async def get_me(world: TelegramWorld, bot: Bot, call: Call) -> Json:
    abilities = {"can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}
    return {**bot.account.json(), **abilities}


async def get_updates(world: TelegramWorld, bot: Bot, call: Call) -> list[Json]:
    """Wait up to `timeout` seconds. The newest getUpdates of a bot ends the one before it with 409."""
    if bot.webhook:
        raise ApiError(409, _WEBHOOK)
    bot.poll += 1
    this_poll = bot.poll
    if "allowed_updates" in call.params:
        bot.allowed_updates = call.params["allowed_updates"]
    _confirm(bot, call.params.get("offset", 0))
    await bot.wake()
    await world.announce()

    def is_over() -> bool:
        return bool(bot.updates) or bot.poll != this_poll or bot.is_revoked or world.is_closing

    try:
        async with asyncio.timeout(call.params.get("timeout", 0)), bot.changed:
            await bot.changed.wait_for(is_over)
    except TimeoutError:
        return []
    if bot.is_revoked:
        raise ApiError(401, "Unauthorized")
    if bot.poll != this_poll:
        raise ApiError(409, _CONFLICT)
    return list(bot.updates)[: min(call.params.get("limit", MAX_UPDATES), MAX_UPDATES)]


def _confirm(bot: Bot, offset: int) -> None:
    """Forget the updates before `offset`; a negative one keeps only so many of the newest."""
    first_kept = bot.next_update_id + offset if offset < 0 else offset
    while bot.updates and bot.updates[0]["update_id"] < first_kept:
        bot.updates.popleft()


async def delete_webhook(world: TelegramWorld, bot: Bot, call: Call) -> bool:
    if call.params.get("drop_pending_updates"):
        bot.updates.clear()
    bot.webhook = ""
    return True


async def get_webhook_info(world: TelegramWorld, bot: Bot, call: Call) -> Json:
    return {"url": bot.webhook, "has_custom_certificate": False, "pending_update_count": len(bot.updates)}


async def done(world: TelegramWorld, bot: Bot, call: Call) -> bool:
    """logOut and close: the double has nothing to close."""
    return True


async def set_my_commands(world: TelegramWorld, bot: Bot, call: Call) -> bool:
    commands = call.params.get("commands", [])
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", command.get("command", "")):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command.get("description", "")) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    bot.commands[_audience(call)] = commands
    return True


async def get_my_commands(world: TelegramWorld, bot: Bot, call: Call) -> list[Json]:
    return bot.commands.get(_audience(call), [])


async def delete_my_commands(world: TelegramWorld, bot: Bot, call: Call) -> bool:
    bot.commands.pop(_audience(call), None)
    return True


def _audience(call: Call) -> tuple[str, str]:
    scope = call.params.get("scope") or {"type": "default"}
    return json.dumps(scope, sort_keys=True), call.params.get("language_code", "")


def setter_of(field: str) -> Method:
    """setMyDescription and its like: kept per language."""

    async def set_profile(world: TelegramWorld, bot: Bot, call: Call) -> bool:
        bot.profile[field, call.params.get("language_code", "")] = call.params.get(field, "")
        return True

    return set_profile


def getter_of(field: str) -> Method:
    async def get_profile(world: TelegramWorld, bot: Bot, call: Call) -> Json:
        return {field: bot.profile.get((field, call.params.get("language_code", "")), "")}

    return get_profile


async def send_message(world: TelegramWorld, bot: Bot, call: Call) -> Json:
    chat = world.writable_chat(bot, call.chat_id)
    content = _content(call)
    markup = checked_markup(call.params.get("reply_markup"))
    message = world.new_message(
        chat,
        content,
        sender=None if chat.type == "channel" else bot.account,
        bot_id=bot.id,
        reply_markup=markup,
        reply_to=_replied(chat, call.params.get("reply_parameters") or {}),
    )
    call.sent = message
    return message.json()


async def send_document(world: TelegramWorld, bot: Bot, call: Call) -> Json:
    """A file uploaded with the call, with a caption or without; ids of files and addresses are not known here."""
    chat = world.writable_chat(bot, call.chat_id)
    document = call.files.get(str(call.params.get("document", "")).removeprefix("attach://"))
    if document is None:
        raise bad_request("there is no document in the request")
    if not document.content:
        raise bad_request("file must be non-empty")
    if len(document.content) > MAX_UPLOAD_BYTES:
        raise ApiError(413, "Request Entity Too Large")
    caption = call.params.get("caption", "")
    message = world.new_message(
        chat,
        _content(call, "caption") if caption else Formatted("", [], 0),
        sender=None if chat.type == "channel" else bot.account,
        bot_id=bot.id,
        document=document,
    )
    call.sent = message
    return message.json()


async def edit_message_text(world: TelegramWorld, bot: Bot, call: Call) -> Json:
    message = _own_message(world, bot, call)
    world.new_version(message, _content(call), _inline_markup(call))
    return message.json()


async def edit_message_reply_markup(world: TelegramWorld, bot: Bot, call: Call) -> Json:
    message = _own_message(world, bot, call)
    unchanged = Formatted(message.text, message.entities, message.surplus_entities)
    world.new_version(message, unchanged, _inline_markup(call))
    return message.json()


async def delete_message(world: TelegramWorld, bot: Bot, call: Call) -> bool:
    chat = world.readable_chat(bot, call.chat_id)
    message = chat.messages.get(call.params.get("message_id", 0))
    if message is None or message.deleted_at is not None:
        raise bad_request("message to delete not found")
    if message.bot_id != bot.id and chat.type != "private" and not chat.membership(bot.id).is_admin:
        raise bad_request("message can't be deleted")
    message.deleted_at = time.monotonic()
    return True


async def answer_callback_query(world: TelegramWorld, bot: Bot, call: Call) -> bool:
    press = world.presses.get(call.params.get("callback_query_id", ""))
    if press is None or press.answer is not None:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    if len(call.params.get("text", "")) > MAX_CALLBACK_ANSWER_CHARS:
        raise bad_request("message is too long")
    press.answer = call.params
    return True


async def send_chat_action(world: TelegramWorld, bot: Bot, call: Call) -> bool:
    world.writable_chat(bot, call.chat_id)
    return True


async def get_chat(world: TelegramWorld, bot: Bot, call: Call) -> Json:
    chat = world.readable_chat(bot, call.chat_id)
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    accepted = dict.fromkeys(gifts, False)
    return {**chat.json(), "accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": accepted}


async def get_chat_member(world: TelegramWorld, bot: Bot, call: Call) -> Json:
    chat = _group_or_channel(world, bot, call)
    account = world.accounts.get(call.params.get("user_id", 0))
    if account is None:
        raise bad_request("invalid user_id specified")
    return chat.membership(account.id).json(account, chat.type)


async def get_chat_administrators(world: TelegramWorld, bot: Bot, call: Call) -> list[Json]:
    """The administrators without other bots, as the documentation says."""
    chat = _group_or_channel(world, bot, call)
    admins = ((world.accounts[id_], member) for id_, member in chat.members.items() if member.is_admin)
    return [member.json(who, chat.type) for who, member in admins if not who.is_bot or who.id == bot.id]


async def leave_chat(world: TelegramWorld, bot: Bot, call: Call) -> bool:
    chat = world.readable_chat(bot, call.chat_id)
    if chat.type == "private":
        raise bad_request("chat not found")
    await world.set_membership(chat, bot, OUTSIDE, by=bot.account)
    return True


def _group_or_channel(world: TelegramWorld, bot: Bot, call: Call) -> Chat:
    chat = world.readable_chat(bot, call.chat_id)
    if chat.type == "private":
        raise bad_request("chat not found")
    if chat.type == "channel" and not chat.membership(bot.id).is_admin:
        raise bad_request("member list is inaccessible")
    return chat


def _content(call: Call, kind: str = "text") -> Formatted:
    entities = call.params.get("entities" if kind == "text" else "caption_entities") or []
    return formatted(call.params.get(kind, ""), entities, call.params.get("parse_mode"))


def _inline_markup(call: Call) -> Json | None:
    markup = call.params.get("reply_markup")
    if markup and "inline_keyboard" not in markup:
        raise bad_request("inline keyboard expected")
    return checked_markup(markup)


def _replied(chat: Chat, reply: Json) -> Message | None:
    if not reply:
        return None
    message = chat.messages.get(reply.get("message_id", 0))
    if message is not None and message.deleted_at is None:
        return message
    if reply.get("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")


def _own_message(world: TelegramWorld, bot: Bot, call: Call) -> Message:
    chat = world.writable_chat(bot, call.chat_id)
    if "message_id" not in call.params:
        raise bad_request("message identifier is not specified")
    message = chat.messages.get(call.params["message_id"])
    if message is None or message.deleted_at is not None:
        raise bad_request("message to edit not found")
    if message.bot_id != bot.id:
        raise bad_request("message can't be edited")
    return message


METHODS: dict[str, Method] = {
    "getMe": get_me,
    "getUpdates": get_updates,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "logOut": done,
    "close": done,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setMyDescription": setter_of("description"),
    "getMyDescription": getter_of("description"),
    "setMyShortDescription": setter_of("short_description"),
    "getMyShortDescription": getter_of("short_description"),
    "sendMessage": send_message,
    "sendDocument": send_document,
    "editMessageText": edit_message_text,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "answerCallbackQuery": answer_callback_query,
    "sendChatAction": send_chat_action,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatAdministrators": get_chat_administrators,
    "leaveChat": leave_chat,
}
METHOD_NAMES = {name.lower(): name for name in METHODS}
