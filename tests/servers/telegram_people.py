"""People, groups and channels as tests move them: what they do reaches the bots as updates."""

from __future__ import annotations

from .telegram_records import OUTSIDE, Account, Chat, Json, Membership, Message, Press
from .telegram_text import Formatted, detected_entities
from .telegram_world import Bot, BotRef, TelegramWorld

MEMBER = Membership("member")
KICKED = Membership("kicked")
SUPERGROUPS_FROM = -1_002_000_000_000


class Room:
    """A group or a channel: who is in it, and what the bots hear of that."""

    def __init__(self, world: TelegramWorld, chat: Chat) -> None:
        self._world = world
        self.chat = chat

    @property
    def id(self) -> int:
        return self.chat.id

    async def make_admin(self, bot: BotRef, by: Person, can_post: bool = True) -> None:
        """`by` makes the bot an administrator; `by` becomes one, too, where they were no member."""
        if not self.chat.membership(by.id).is_admin:
            self.join(by, Membership("administrator"))
        await self._change(bot, Membership("administrator", can_post), by)

    async def add_bot(self, bot: BotRef, by: Person) -> None:
        """`by` adds the bot as an ordinary member."""
        await self._change(bot, MEMBER, by)

    async def remove_bot(self, bot: BotRef, by: Person) -> None:
        """`by` throws the bot out: it is "kicked"."""
        await self._change(bot, KICKED, by)

    def join(self, person: Person, membership: Membership = MEMBER) -> None:
        """A person becomes a member, silently."""
        self.chat.members[person.id] = membership

    def leave(self, person: Person) -> None:
        """A person stops being a member, silently."""
        self.chat.members[person.id] = OUTSIDE

    async def _change(self, bot: BotRef, membership: Membership, by: Person) -> None:
        await self._world.set_membership(self.chat, self._world.bot(bot), membership, by.account)

    def _bots_inside(self) -> list[Bot]:
        bots = self._world.bots.values()
        return [bot for bot in bots if self.chat.membership(bot.id).is_inside]


class Channel(Room):
    """A channel. Its posts reach the bots that are administrators."""

    async def post(
        self,
        text: str = "",
        *,
        caption: str = "",
        album: str | None = None,
        entities: list[Json] | None = None,
    ) -> Message:
        """Post one message: a text, or a photo with or without a caption. Photos with one `album` belong together."""
        is_photo = not text
        message = self._world.new_message(
            self.chat,
            _typed(text or caption, entities),
            sender=None,
            has_photo=is_photo,
            album=album,
        )
        await self._tell("channel_post", message)
        return message

    async def edit(self, message: Message, text: str, entities: list[Json] | None = None) -> None:
        """Change the text or the caption of a post."""
        self._world.new_version(message, _typed(text, entities), None)
        await self._tell("edited_channel_post", message)

    async def _tell(self, kind: str, message: Message) -> None:
        for bot in self._bots_inside():
            await self._world.inject(bot.id, {kind: message.json()})


class Group(Room):
    """A basic group or a supergroup. Bots in it see what Telegram's privacy mode shows them."""

    async def hear(self, message: Message) -> None:
        """Hand a person's message to the bots that may see it."""
        for bot in self._bots_inside():
            if self._is_shown_to(bot, message):
                await self._world.inject(bot.id, {"message": message.json()})

    async def migrate(self, by: Person) -> Group:
        """Turn it into a supergroup with a new id. Calls with the old id are answered with migrate_to_chat_id."""
        old = self.chat
        new_id = SUPERGROUPS_FROM - len(self._world.chats)
        new = Chat(new_id, "supergroup", old.title, members=dict(old.members))
        self._world.chats[new.id] = new
        bots = self._bots_inside()
        old.migrated_to = new.id
        notices = ((old, {"migrate_to_chat_id": new.id}), (new, {"migrate_from_chat_id": old.id}))
        for chat, notice in notices:
            message = self._world.new_message(chat, Formatted("", [], 0), sender=by.account)
            for bot in bots:
                await self._world.inject(bot.id, {"message": {**message.json(), **notice}})
        return Group(self._world, new)

    def _is_shown_to(self, bot: Bot, message: Message) -> bool:
        """https://core.telegram.org/bots/features#privacy-mode: commands, mentions, replies; administrators see all."""
        if self.chat.membership(bot.id).is_admin:
            return True
        if message.reply_to is not None and message.reply_to.bot_id == bot.id:
            return True
        name = f"@{bot.account.username}".lower()
        words = message.text.lower().split()
        is_command = message.text.startswith("/") and ("@" not in words[0] or words[0].endswith(name))
        return is_command or name in words


class Person:
    """A user of Telegram with a keyboard and a finger."""

    def __init__(self, world: TelegramWorld, account: Account) -> None:
        self._world = world
        self.account = account

    @property
    def id(self) -> int:
        return self.account.id

    def open_chat(self, bot: BotRef) -> None:
        """Let the bot write to this person, as if they had started it long ago."""
        self._chat_with(self._world.bot(bot)).is_started = True

    async def send(self, bot: BotRef, text: str, chat: Group | None = None, reply_to: Message | None = None) -> Message:
        """Write to a bot in private, or in a group that the bot is in. Starts the bot and lifts a block.

        Raises:
            LookupError: the bot is unknown or not in the group.
        """
        receiver = self._world.bot(bot)
        if chat is not None:
            return await self._send_to_group(receiver, chat, text, reply_to)
        if self._chat_with(receiver).is_blocked:
            await self.unblock(bot)
        self.open_chat(bot)
        message = self._write(self._chat_with(receiver), text, reply_to)
        await self._world.inject(receiver.id, {"message": message.json()})
        return message

    async def press(self, message: Message, button: str, version: int = -1) -> Press:
        """Press a button, named by its text or its data, under a bot's message; `version` -2 is an outdated one.

        Raises:
            LookupError: the message has no such button, or is gone.
        """
        if message.bot_id is None or message.deleted_at is not None:
            raise LookupError(f"There is nothing to press: {message.text!r} was deleted or no bot sent it.")
        data = _callback_data(message, button, version)
        press = Press(f"{self.id}{len(self._world.presses):09}", data)
        self._world.presses[press.id] = press
        query = {
            "id": press.id,
            "from": self.account.json(),
            "message": message.json(),
            "chat_instance": str(message.chat.id),
            "data": data,
        }
        await self._world.inject(message.bot_id, {"callback_query": query})
        return press

    async def block(self, bot: BotRef) -> None:
        """Block a bot; it is told."""
        await self._set_blocked(self._world.bot(bot), True)

    async def unblock(self, bot: BotRef) -> None:
        """Let a blocked bot write again; it is told."""
        await self._set_blocked(self._world.bot(bot), False)

    def deactivate(self) -> None:
        """Delete the account. Nobody is told."""
        self.account.is_deactivated = True

    async def _set_blocked(self, bot: Bot, is_blocked: bool) -> None:
        chat = self._chat_with(bot)
        chat.is_blocked = is_blocked
        old, new = (MEMBER, KICKED) if is_blocked else (KICKED, MEMBER)
        await self._world.tell_own_membership(chat, bot, old, new, self.account)

    async def _send_to_group(self, bot: Bot, group: Group, text: str, reply_to: Message | None) -> Message:
        if not group.chat.membership(bot.id).is_inside:
            raise LookupError(f"@{bot.account.username} is not in {group.chat.title!r}.")
        message = self._write(group.chat, text, reply_to)
        await group.hear(message)
        return message

    def _write(self, chat: Chat, text: str, reply_to: Message | None) -> Message:
        return self._world.new_message(chat, _typed(text, None), sender=self.account, reply_to=reply_to)

    def _chat_with(self, bot: Bot) -> Chat:
        return self._world.private_chat(bot.id, self.account)


def _typed(text: str, entities: list[Json] | None) -> Formatted:
    return Formatted(text, detected_entities(text) if entities is None else entities, 0)


def _callback_data(message: Message, button: str, version: int) -> str:
    for candidate in message.buttons(version):
        data = candidate.get("callback_data")
        if data is not None and button in {candidate["text"], data}:
            return str(data)
    shown = [candidate["text"] for candidate in message.buttons(version)]
    raise LookupError(f"No button {button!r} under {message.text[:60]!r}; there are {shown}.")
