"""A Telegram Bot API server on localhost, for tests, benchmarks and for trying the bot by hand.

In a test: `async with TelegramServer() as telegram:` and let a bot talk to `telegram.url`. By hand:

    python -m tests.servers.telegram_server --port 8081 --bot 42:AAA=digest_bot --user 7=Anna

then start the bot with DIGEST_TELEGRAM__API_URL=http://127.0.0.1:8081 and play Anna with curl (telegram_control.py).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import time
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from .telegram_control import control_routes
from .telegram_faults import Fault, FaultHook, FaultKind
from .telegram_limits import EarlyCall, FloodControl, Limits
from .telegram_methods import METHOD_NAMES, METHODS
from .telegram_people import Channel, Group, Person
from .telegram_records import Account, ApiError, Call, Chat, File, Json, Membership, bad_request
from .telegram_world import Bot, TelegramWorld

JSON_PARAMETERS = frozenset(
    {
        "reply_markup",
        "entities",
        "caption_entities",
        "allowed_updates",
        "commands",
        "scope",
        "reply_parameters",
        "link_preview_options",
    }
)
INTEGER_PARAMETERS = frozenset({"chat_id", "message_id", "user_id", "offset", "limit", "timeout"})
MAX_REQUEST_BYTES = 60_000_000
BOOLEAN_PARAMETERS = frozenset({"drop_pending_updates", "show_alert", "disable_notification", "protect_content"})


class TelegramServer(TelegramWorld):
    """The double: `user`, `group`, `channel` and `register_bot` make its inhabitants, `fault` orders accidents."""

    def __init__(self, limits: Limits | None = None, port: int = 0) -> None:
        super().__init__()
        self.fault: FaultHook | None = None
        self.url = ""
        self._flood = FloodControl(limits or Limits())
        self._port = port
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def limits(self) -> Limits:
        """The rate limits in force: none, unless given. Setting them forgets what was counted."""
        return self._flood.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._flood = FloodControl(limits)

    @property
    def early_calls(self) -> list[EarlyCall]:
        """The calls that came before a retry_after had passed."""
        return self._flood.early_calls

    def user(self, user_id: int, first_name: str = "Somebody", language_code: str = "en") -> Person:
        """A new person, who has not started any bot yet."""
        account = Account(user_id, first_name, language_code=language_code)
        self.accounts[user_id] = account
        return Person(self, account)

    def person(self, user_id: int) -> Person:
        """A person who was made before.

        Raises:
            KeyError: there is no such person.
        """
        return Person(self, self.accounts[user_id])

    def channel(self, chat_id: int, title: str, username: str | None = None) -> Channel:
        """A new channel without members."""
        self.chats[chat_id] = Chat(chat_id, "channel", title, username)
        return Channel(self, self.chats[chat_id])

    def group(self, chat_id: int, title: str, *members: Person, is_super: bool = True) -> Group:
        """A new group; its first member is its owner."""
        self.chats[chat_id] = Chat(chat_id, "supergroup" if is_super else "group", title)
        group = Group(self, self.chats[chat_id])
        for number, person in enumerate(members):
            group.join(person, Membership("member" if number else "creator"))
        return group

    async def make_admin(self, room: Channel | Group, bot: int | str, by: Person) -> None:
        """`by` makes a bot an administrator of a channel or group; the bot is told."""
        await room.make_admin(bot, by)

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=MAX_REQUEST_BYTES)
        application.add_routes(control_routes(self))
        application.router.add_route("*", "/bot{token:[^/]+}/{method}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_closing = True
        self._closing.set()
        for bot in self.bots.values():
            await bot.wake()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """One API call, from its arrival to the record of how it ended."""
        token, name = request.match_info["token"], request.match_info["method"]
        call = Call(time.monotonic(), None, METHOD_NAMES.get(name.lower(), name), {})
        self.calls.append(call)
        await self.announce()
        try:
            response = await self._answered(request, token, call)
        except ApiError as error:
            response = _refusal(call, error)
        if response is None:
            _cut(request)
            response = web.Response()
        elif request.transport is None or request.transport.is_closing():
            call.outcome = "unheard"
        else:
            call.status = response.status
            call.outcome = "ok" if response.status == 200 else call.outcome
        await self.announce()
        return response

    async def _answered(self, request: web.Request, token: str, call: Call) -> web.Response | None:
        """The answer to a call; None: cut the connection.

        Raises:
            ApiError: Telegram refuses it.
        """
        body, call.files = await _body(request)
        call.params = _decoded({**request.query, **body})
        self._flood.admit_token(token, call.time)
        bot = self.authorized(token)
        call.bot_id = bot.id
        chat = None if call.chat_id is None else self.chat(bot.id, call.chat_id)
        self._flood.admit(call, chat)
        fault = self.fault(call) if self.fault is not None else None
        if fault is None:
            return await self._done(bot, call)
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        return await self._suffer(fault, bot, call)

    async def _suffer(self, fault: Fault, bot: Bot, call: Call) -> web.Response | None:
        match fault.kind:
            case FaultKind.DELAY:
                return await self._done(bot, call)
            case FaultKind.ERROR:
                if "retry_after" in fault.parameters:
                    self._flood.note_retry_after(call, fault.parameters["retry_after"], time.monotonic())
                raise ApiError(fault.status, fault.description, **fault.parameters)
            case FaultKind.HTML:
                call.outcome = "an HTML page"
                page = f"<html><head><title>{fault.status} Bad Gateway</title></head></html>"
                return web.Response(status=fault.status, text=page, content_type="text/html")
            case FaultKind.HANG | FaultKind.DELIVER_AND_HANG:
                if fault.kind is FaultKind.DELIVER_AND_HANG:
                    await self._done(bot, call)
                call.outcome = "hung"
                await self._closing.wait()
            case FaultKind.LOSE_ANSWER:
                with contextlib.suppress(ApiError):
                    await self._done(bot, call)
                call.outcome = "answer lost"
            case FaultKind.DROP:
                call.outcome = "dropped"
        return None

    async def _done(self, bot: Bot, call: Call) -> web.Response:
        if call.method not in METHODS:
            raise ApiError(404, "Not Found")
        result = await METHODS[call.method](self, bot, call)
        return web.json_response({"ok": True, "result": result})


def _refusal(call: Call, error: ApiError) -> web.Response:
    call.outcome = error.description
    body: Json = {"ok": False, "error_code": error.status, "description": error.description}
    if error.parameters:
        body["parameters"] = error.parameters
    return web.json_response(body, status=error.status)


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _body(request: web.Request) -> tuple[Json, dict[str, File]]:
    """The parameters of a request and the files uploaded with it."""
    if request.content_type == "application/json":
        return await request.json(), {}
    form = await request.post()
    files = {
        name: File(part.filename, part.file.read()) for name, part in form.items() if isinstance(part, web.FileField)
    }
    return {name: value for name, value in form.items() if isinstance(value, str)}, files


def _decoded(raw: Json) -> Json:
    return {name: _value(name, value) for name, value in raw.items()}


def _value(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name in JSON_PARAMETERS:
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            raise bad_request(f"can't parse {name} JSON object") from None
    if name in INTEGER_PARAMETERS and value.removeprefix("-").isdecimal():
        return int(value)
    if name in BOOLEAN_PARAMETERS:
        return value.lower() in {"true", "1", "yes"}
    return value


async def _serve_until_stopped(options: argparse.Namespace) -> None:
    limits = Limits.documented() if options.limits else Limits()
    async with TelegramServer(limits, options.port) as telegram:
        for bot in options.bot:
            token, _, username = bot.partition("=")
            bot_id = int(token.partition(":")[0])
            telegram.register_bot(token, bot_id, username or f"bot{bot_id}")
        for user in options.user:
            user_id, _, first_name = user.partition("=")
            telegram.user(int(user_id), first_name or "Somebody")
        sys.stdout.write(f"{telegram.url}\n")
        sys.stdout.flush()
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        await stopped.wait()


def main() -> None:
    """Serve until SIGINT or SIGTERM; the first line printed is the URL."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.telegram_server", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--bot", action="append", default=[], metavar="TOKEN[=USERNAME]")
    parser.add_argument("--user", action="append", default=[], metavar="ID[=FIRST_NAME]")
    parser.add_argument("--limits", action="store_true", help="enforce Telegram's documented rate limits")
    asyncio.run(_serve_until_stopped(parser.parse_args()))


if __name__ == "__main__":
    main()
