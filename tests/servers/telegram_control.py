"""The double's remote control, for other processes and for a person with curl. JSON in, JSON out.

GET  /control/messages?chat=7[&bot=42]      what bots sent to a chat and people still see, with its history
GET  /control/calls[?method=sendMessage]    every call so far
POST /control/bot      {"token": "42:AAA", "username": "digest_bot"}
POST /control/user     {"id": 7, "first_name": "Anna", "language_code": "ru"}
POST /control/channel  {"id": -1001, "title": "News", "admin": 42, "by": 7}
POST /control/send     {"user": 7, "bot": 42, "text": "/digest tech 24h"}
POST /control/press    {"user": 7, "chat": 7, "button": "Cancel"}     under the newest message that has it
POST /control/post     {"channel": -1001, "text": "…"}
POST /control/update   {"bot": 42, "update": {"message": {…}}}        anything else, as the Bot API describes it
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from .telegram_people import Channel
from .telegram_records import Call, Json, Message

if TYPE_CHECKING:
    from .telegram_server import TelegramServer

Command = Callable[["TelegramServer", Json], Awaitable[Json]]


def control_routes(telegram: TelegramServer) -> list[web.RouteDef]:
    """The routes to add to the server's application."""

    async def messages(request: web.Request) -> web.Response:
        query = request.query
        bot = int(query["bot"]) if "bot" in query else None
        return web.json_response([_message(found) for found in telegram.messages(int(query["chat"]), bot)])

    async def calls(request: web.Request) -> web.Response:
        method = request.query.get("method")
        return web.json_response([_call(call) for call in telegram.calls if method in {None, call.method}])

    return [
        web.get("/control/messages", _guarded(messages)),
        web.get("/control/calls", _guarded(calls)),
        *(web.post(f"/control/{name}", _door(telegram, command)) for name, command in COMMANDS.items()),
    ]


Handler = Callable[[web.Request], Awaitable[web.Response]]


def _guarded(handler: Handler) -> Handler:
    async def guarded(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except (LookupError, ValueError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)

    return guarded


def _door(telegram: TelegramServer, command: Command) -> Handler:
    async def door(request: web.Request) -> web.Response:
        return web.json_response(await command(telegram, await request.json()))

    return _guarded(door)


async def _bot(telegram: TelegramServer, wish: Json) -> Json:
    bot_id = int(wish["token"].partition(":")[0])
    telegram.register_bot(wish["token"], bot_id, wish.get("username", f"bot{bot_id}"))
    return {"id": bot_id}


async def _user(telegram: TelegramServer, wish: Json) -> Json:
    person = telegram.user(wish["id"], wish.get("first_name", "Somebody"), wish.get("language_code", "en"))
    return person.account.json()


async def _channel(telegram: TelegramServer, wish: Json) -> Json:
    channel = telegram.channel(wish["id"], wish.get("title", "A channel"), wish.get("username"))
    if "admin" in wish:
        await channel.make_admin(wish["admin"], by=telegram.person(wish["by"]))
    return channel.chat.json()


async def _send(telegram: TelegramServer, wish: Json) -> Json:
    return (await telegram.person(wish["user"]).send(wish["bot"], wish["text"])).json()


async def _press(telegram: TelegramServer, wish: Json) -> Json:
    button = wish["button"]
    for message in reversed(telegram.messages(wish["chat"])):
        if any(button in {shown["text"], shown.get("callback_data")} for shown in message.buttons()):
            press = await telegram.person(wish["user"]).press(message, button)
            return {"message_id": message.message_id, "data": press.data}
    raise LookupError(f"no message in chat {wish['chat']} has a button {button!r}")


async def _post(telegram: TelegramServer, wish: Json) -> Json:
    channel = Channel(telegram, telegram.chats[wish["channel"]])
    return (await channel.post(wish.get("text", ""), caption=wish.get("caption", ""), album=wish.get("album"))).json()


async def _update(telegram: TelegramServer, wish: Json) -> Json:
    await telegram.inject(wish["bot"], wish["update"])
    return {}


COMMANDS: dict[str, Command] = {
    "bot": _bot,
    "user": _user,
    "channel": _channel,
    "send": _send,
    "press": _press,
    "post": _post,
    "update": _update,
}


def _message(message: Message) -> Json:
    history = [{"time": version.time, "text": version.text} for version in message.history]
    return {**message.json(), "bot_id": message.bot_id, "history": history}


def _call(call: Call) -> Json:
    fields = ("time", "bot_id", "method", "params", "status", "outcome")
    return {name: getattr(call, name) for name in fields}
