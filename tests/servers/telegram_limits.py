"""Flood control: Telegram's rate limits, the pauses they impose, and who did not keep to them."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from .telegram_records import Call, Chat, too_many_requests

SENDING = frozenset({"sendMessage", "sendDocument"})
EDITING = frozenset({"editMessageText", "editMessageReplyMarkup"})


@dataclass(frozen=True)
class Limits:
    """What is enforced; None: no such limit.

    `chat_interval_s` is between two messages of a bot to one chat. `slack_s` is forgiven, because a client measures
    when it sends and Telegram when it receives. `new_tokens_per_minute` counts first calls with any token.
    """

    messages_per_second: int | None = None
    chat_interval_s: float | None = None
    group_per_minute: int | None = None
    new_tokens_per_minute: int | None = None
    count_edits: bool = False
    slack_s: float = 0.05

    @classmethod
    def documented(cls) -> Limits:
        """The limits of https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this."""
        return cls(30, 1.0, 20, new_tokens_per_minute=20, count_edits=True)


@dataclass(frozen=True)
class EarlyCall:
    """A call made before `until`, although the bot had been told at `asked_at` to wait (monotonic seconds).

    A call that comes within a few milliseconds of `asked_at` may have been on its way already.
    """

    call: Call
    asked_at: float
    until: float


class _Window:
    """At most `count` events in any `seconds`."""

    def __init__(self, count: int, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque(maxlen=count)

    def wait(self, now: float) -> float:
        """Seconds until the next event is permitted; 0 or less: now."""
        is_full = len(self._times) == self._times.maxlen
        return self._times[0] + self._seconds - now if is_full else 0.0

    def add(self, now: float) -> None:
        self._times.append(now)


@dataclass(frozen=True)
class _Scope:
    """What a pause is for: messages of a bot, all or those to one chat, or one other method of it."""

    bot_id: int | None
    chat_id: int | None = None
    method: str | None = None


class FloodControl:
    """Admits calls or refuses them with 429, and remembers which came before their retry_after had passed."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.early_calls: list[EarlyCall] = []
        self._windows: dict[_Scope, list[_Window]] = {}
        self._pauses: dict[_Scope, tuple[float, float]] = {}
        self._known_tokens: set[str] = set()
        self._new_tokens = _Window(limits.new_tokens_per_minute or 1, 60.0)

    def admit_token(self, token: str, now: float) -> None:
        """Let a token be used.

        Raises:
            ApiError: it is a new one and there were too many of them in this minute.
        """
        if token in self._known_tokens or self.limits.new_tokens_per_minute is None:
            return
        if (wait := self._new_tokens.wait(now)) > 0:
            raise too_many_requests(math.ceil(wait))
        self._new_tokens.add(now)
        self._known_tokens.add(token)

    def admit(self, call: Call, chat: Chat | None) -> None:
        """Count a call to `chat`.

        Raises:
            ApiError: a limit is exceeded, or the bot was told to wait and did not.
        """
        self._refuse_if_paused(call, chat)
        is_counted = call.method in SENDING or (self.limits.count_edits and call.method in EDITING)
        if not is_counted or chat is None:
            return
        scopes = (_Scope(call.bot_id), _Scope(call.bot_id, chat.id))
        for scope in scopes:
            windows = self._windows_of(scope, chat)
            if (wait := max((window.wait(call.time) for window in windows), default=0.0)) > 0:
                self._pauses[scope] = (call.time, call.time + math.ceil(wait))
                raise too_many_requests(math.ceil(wait))
        for scope in scopes:
            for window in self._windows_of(scope, chat):
                window.add(call.time)

    def note_retry_after(self, call: Call, seconds: float, now: float) -> None:
        """A fault told the bot to wait: with all its messages, or with this method where it is none of them."""
        sends = call.method in SENDING | EDITING
        scope = _Scope(call.bot_id) if sends else _Scope(call.bot_id, method=call.method)
        self._pauses[scope] = (now, now + seconds)

    def _refuse_if_paused(self, call: Call, chat: Chat | None) -> None:
        scopes = [_Scope(call.bot_id, method=call.method)]
        if call.method in SENDING | EDITING:
            scopes += [_Scope(call.bot_id), _Scope(call.bot_id, chat.id if chat else None)]
        for scope in scopes:
            asked_at, until = self._pauses.get(scope, (0.0, 0.0))
            if call.time < until:
                self.early_calls.append(EarlyCall(call, asked_at, until))
                raise too_many_requests(math.ceil(until - call.time))
            self._pauses.pop(scope, None)

    def _windows_of(self, scope: _Scope, chat: Chat) -> list[_Window]:
        if scope not in self._windows:
            self._windows[scope] = self._new_windows(scope, chat)
        return self._windows[scope]

    def _new_windows(self, scope: _Scope, chat: Chat) -> list[_Window]:
        limits, slack = self.limits, self.limits.slack_s
        windows = []
        if scope.chat_id is None:
            if limits.messages_per_second:
                windows.append(_Window(limits.messages_per_second, 1.0 - slack))
            return windows
        if limits.chat_interval_s:
            windows.append(_Window(1, max(0.0, limits.chat_interval_s - slack)))
        if limits.group_per_minute and chat.is_group:
            windows.append(_Window(limits.group_per_minute, 60.0 - slack))
        return windows
