"""The state of the double: bots with their update queues, chats, messages, and who may write where.

Whatever changes is announced on `changed`, so that waiting needs no polling.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from .telegram_records import (
    Account,
    ApiError,
    Call,
    Chat,
    File,
    Json,
    Membership,
    Message,
    Press,
    Version,
    bad_request,
    forbidden,
)
from .telegram_text import Formatted

T = TypeVar("T")
BotRef = int | str

# https://core.telegram.org/bots/api#getupdates: these come only to a bot that asks for them.
ON_REQUEST_ONLY = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


@dataclass
class Bot:
    """A bot as its owner and the servers know it. `poll` is the number of its newest getUpdates, `webhook` where its
    updates go instead."""

    account: Account
    token: str
    updates: deque[Json] = field(default_factory=deque)
    next_update_id: int = 1
    allowed_updates: list[str] = field(default_factory=list)
    poll: int = 0
    is_revoked: bool = False
    webhook: str = ""
    commands: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    profile: dict[tuple[str, str], str] = field(default_factory=dict)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def id(self) -> int:
        return self.account.id

    def wants(self, kind: str) -> bool:
        return kind in self.allowed_updates if self.allowed_updates else kind not in ON_REQUEST_ONLY

    async def wake(self) -> None:
        """Let its getUpdates look again."""
        async with self.changed:
            self.changed.notify_all()


class TelegramWorld:
    """Everything that exists and has happened; see TelegramServer for the way in."""

    def __init__(self) -> None:
        self.accounts: dict[int, Account] = {}
        self.bots: dict[int, Bot] = {}
        self.chats: dict[int, Chat] = {}
        self.calls: list[Call] = []
        self.sent: list[Message] = []
        self.presses: dict[str, Press] = {}
        self.changed = asyncio.Condition()
        self.is_closing = False
        self._tokens: dict[str, Bot] = {}
        self._private_chats: dict[tuple[int, int], Chat] = {}
        self._sent_to: defaultdict[int, list[Message]] = defaultdict(list)

    def register_bot(self, token: str, bot_id: int, username: str) -> Bot:
        """Make a bot, or give an existing one a new token, which revokes the old one."""
        account = Account(bot_id, username, is_bot=True, username=username)
        bot = self.bots.setdefault(bot_id, Bot(account, token))
        self._tokens.pop(bot.token, None)
        bot.account, bot.token, bot.is_revoked = account, token, False
        self.accounts[bot_id], self._tokens[token] = account, bot
        return bot

    async def revoke_token(self, bot: BotRef) -> None:
        """From now on every call with this bot's token is answered with 401, a waiting getUpdates too."""
        revoked = self.bot(bot)
        revoked.is_revoked = True
        await revoked.wake()

    def bot(self, bot: BotRef) -> Bot:
        """A registered bot by its id or token.

        Raises:
            LookupError: there is none.
        """
        found = self.bots.get(bot) if isinstance(bot, int) else self._tokens.get(bot)
        if found is None:
            raise LookupError(f"No bot {bot!r} is registered here.")
        return found

    def authorized(self, token: str) -> Bot:
        """The bot that a request speaks for.

        Raises:
            ApiError: 401, the token is unknown or revoked.
        """
        bot = self._tokens.get(token)
        if bot is None or bot.is_revoked:
            raise ApiError(401, "Unauthorized")
        return bot

    def chat(self, bot_id: int, chat_id: int | str) -> Chat | None:
        """The chat a bot means by an id or @username; None where there is none."""
        if isinstance(chat_id, str):
            name = chat_id.removeprefix("@").lower()
            named = (chat for chat in self.chats.values() if chat.username)
            return next((chat for chat in named if (chat.username or "").lower() == name), None)
        person = self.accounts.get(chat_id)
        return self.private_chat(bot_id, person) if person else self.chats.get(chat_id)

    def private_chat(self, bot_id: int, person: Account) -> Chat:
        """The chat of a person with a bot; `is_started` tells whether the person ever wrote there."""
        chat = Chat(person.id, "private", person.first_name, person.username)
        return self._private_chats.setdefault((bot_id, person.id), chat)

    def readable_chat(self, bot: Bot, chat_id: int | str | None) -> Chat:
        """A chat that the bot may act in.

        Raises:
            ApiError: in the words of telegram-bot-api's Client.cpp (check_chat_access).
        """
        chat = None if chat_id is None else self.chat(bot.id, chat_id)
        if chat is None:
            raise bad_request("chat not found" if chat_id is not None else "chat_id is empty")
        if chat.migrated_to is not None:
            reason = "group chat was upgraded to a supergroup chat"
            raise bad_request(reason, migrate_to_chat_id=chat.migrated_to)
        if chat.type == "private":
            self._check_private(chat)
        elif not (member := chat.membership(bot.id)).is_inside:
            what = "was kicked from" if member.status == "kicked" else "is not a member of"
            raise forbidden(f"bot {what} the {chat.type} chat")
        return chat

    def writable_chat(self, bot: Bot, chat_id: int | str | None) -> Chat:
        """A chat that the bot may write to.

        Raises:
            ApiError: it may not.
        """
        chat = self.readable_chat(bot, chat_id)
        member = chat.membership(bot.id)
        if chat.type == "channel" and not (member.is_admin and member.can_post):
            raise bad_request("need administrator rights in the channel chat")
        return chat

    def _check_private(self, chat: Chat) -> None:
        person = self.accounts[chat.id]
        if person.is_bot:
            raise forbidden("bots can't send messages to bots")
        if person.is_deactivated:
            raise forbidden("user is deactivated")
        if chat.is_blocked:
            raise forbidden("bot was blocked by the user")
        if not chat.is_started:
            raise forbidden("bot can't initiate conversation with a user")

    def new_message(
        self,
        chat: Chat,
        content: Formatted,
        *,
        sender: Account | None,
        bot_id: int | None = None,
        reply_markup: Json | None = None,
        reply_to: Message | None = None,
        has_photo: bool = False,
        document: File | None = None,
        album: str | None = None,
    ) -> Message:
        """Put a message into a chat; ids grow within a chat."""
        version = Version(time.monotonic(), content.text, content.entities, reply_markup)
        message = Message(
            chat,
            len(chat.messages) + 1,
            sender,
            int(time.time()),
            [version],
            bot_id=bot_id,
            reply_to=reply_to,
            has_photo=has_photo,
            document=document,
            album=album,
            surplus_entities=content.surplus,
        )
        chat.messages[message.message_id] = message
        if bot_id is not None:
            self.sent.append(message)
            self._sent_to[chat.id].append(message)
        return message

    def new_version(self, message: Message, content: Formatted, reply_markup: Json | None) -> None:
        """Change a message.

        Raises:
            ApiError: nothing would change.
        """
        version = Version(time.monotonic(), content.text, content.entities, reply_markup)
        if version.says_the_same(message.now):
            raise bad_request(
                "message is not modified: specified new message content and reply markup are exactly the same as "
                "a current content and reply markup of the message"
            )
        message.history.append(version)
        message.edit_date = int(time.time())
        message.surplus_entities = content.surplus

    async def set_membership(self, chat: Chat, bot: Bot, new: Membership, by: Account) -> None:
        """Change what a bot is in a group or channel and tell it."""
        old = chat.membership(bot.id)
        chat.members[bot.id] = new
        await self.tell_own_membership(chat, bot, old, new, by)

    async def tell_own_membership(self, chat: Chat, bot: Bot, old: Membership, new: Membership, by: Account) -> None:
        change = {
            "chat": chat.json(),
            "from": by.json(),
            "date": int(time.time()),
            "old_chat_member": old.json(bot.account, chat.type),
            "new_chat_member": new.json(bot.account, chat.type),
        }
        await self.inject(bot.id, {"my_chat_member": change})

    async def inject(self, bot: BotRef, update: Json) -> None:
        """Queue a raw update (without its update_id) for a bot, if the bot wants its kind."""
        receiver = self.bot(bot)
        if not all(receiver.wants(kind) for kind in update):
            return
        receiver.updates.append({"update_id": receiver.next_update_id, **update})
        receiver.next_update_id += 1
        await receiver.wake()

    def messages(self, chat_id: int, bot: BotRef | None = None) -> list[Message]:
        """What bots (or one bot) sent to a chat and people still see there, oldest first.

        `sent` holds everything ever sent, deleted messages too.
        """
        bot_id = None if bot is None else self.bot(bot).id
        visible = (message for message in self._sent_to[chat_id] if message.deleted_at is None)
        return [message for message in visible if bot_id in {None, message.bot_id}]

    def last_message(self, chat_id: int, bot: BotRef | None = None) -> Message | None:
        """The newest of `messages`; None where there is none."""
        return next(reversed(self.messages(chat_id, bot)), None)

    def calls_of(self, *methods: str) -> list[Call]:
        """The recorded calls of some methods, in the order they came."""
        return [call for call in self.calls if call.method in methods]

    async def announce(self) -> None:
        """Let everybody who waits look again."""
        async with self.changed:
            self.changed.notify_all()

    async def wait_for(self, predicate: Callable[[], T], timeout: float = 30.0) -> T:
        """The predicate's value as soon as it is true; it is asked again as calls come and end.

        Raises:
            TimeoutError: it was not true within `timeout` seconds; the message shows the last calls.
        """
        try:
            async with asyncio.timeout(timeout), self.changed:
                return await self.changed.wait_for(predicate)
        except TimeoutError:
            last = (call for call in self.calls[-50:] if call.method != "getUpdates")
            raise TimeoutError(f"Not within {timeout} s. Last calls:\n{_listed(last)}") from None


def _listed(calls: Iterable[Call]) -> str:
    lines = (f"{call.method} {call.params} -> {call.outcome}" for call in calls)
    return "\n".join(f"  {line[:300]}" for line in list(lines)[-8:])
