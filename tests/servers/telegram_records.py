"""What exists in the double's Telegram: accounts, chats, messages with their history, recorded calls.

Plain values that know their own JSON. Who may do what is in telegram_world.py, HTTP is in telegram_server.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
ChatType = Literal["private", "group", "supergroup", "channel"]
MemberStatus = Literal["creator", "administrator", "member", "left", "kicked"]

ADMIN_RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)


class ApiError(Exception):
    """An answer with "ok": false, in Telegram's own words."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(f"{status} {description}")
        self.status = status
        self.description = description
        self.parameters = parameters


def bad_request(reason: str, **parameters: int) -> ApiError:
    return ApiError(400, f"Bad Request: {reason}", **parameters)


def forbidden(reason: str) -> ApiError:
    return ApiError(403, f"Forbidden: {reason}")


def too_many_requests(retry_after_s: int) -> ApiError:
    return ApiError(429, f"Too Many Requests: retry after {retry_after_s}", retry_after=retry_after_s)


@dataclass
class Account:
    """A user, person or bot."""

    id: int
    first_name: str
    is_bot: bool = False
    language_code: str | None = None
    username: str | None = None
    is_deactivated: bool = False

    def json(self) -> Json:
        optional = {"language_code": self.language_code, "username": self.username}
        known = {name: value for name, value in optional.items() if value}
        return {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name, **known}


@dataclass(frozen=True)
class Membership:
    """What an account is in a group or channel. `can_post` matters for administrators of channels only."""

    status: MemberStatus
    can_post: bool = True

    @property
    def is_inside(self) -> bool:
        return self.status not in {"left", "kicked"}

    @property
    def is_admin(self) -> bool:
        return self.status in {"creator", "administrator"}

    def json(self, account: Account, chat_type: ChatType) -> Json:
        member: Json = {"user": account.json(), "status": self.status}
        if self.status == "creator":
            return {**member, "is_anonymous": False}
        if self.status == "kicked":
            return {**member, "until_date": 0}
        if self.status == "administrator":
            posting = {"can_post_messages": self.can_post, "can_edit_messages": self.can_post}
            rights = {**dict.fromkeys(ADMIN_RIGHTS, True), "can_send_welcome_messages": True}
            extra = posting if chat_type == "channel" else {}
            return {**member, "can_be_edited": False, "is_anonymous": False, **rights, **extra}
        return member


OUTSIDE = Membership("left")


@dataclass
class Chat:
    """A private chat (one per bot and person, both know it by the person's id), a group or a channel."""

    id: int
    type: ChatType
    title: str
    username: str | None = None
    members: dict[int, Membership] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    migrated_to: int | None = None
    is_started: bool = False
    is_blocked: bool = False

    @property
    def is_group(self) -> bool:
        return self.type in {"group", "supergroup"}

    def membership(self, account_id: int) -> Membership:
        return self.members.get(account_id, OUTSIDE)

    def json(self) -> Json:
        name = {"first_name": self.title} if self.type == "private" else {"title": self.title}
        return {"id": self.id, "type": self.type, **name, **({"username": self.username} if self.username else {})}


@dataclass(frozen=True)
class Version:
    """What a message said from `time` (monotonic seconds) until its next version."""

    time: float
    text: str
    entities: list[Json]
    reply_markup: Json | None

    def says_the_same(self, other: Version) -> bool:
        mine, others = (self.text, self.entities), (other.text, other.entities)
        return mine == others and self.reply_markup == other.reply_markup


@dataclass(frozen=True)
class File:
    """A file as it was uploaded."""

    name: str
    content: bytes


@dataclass
class Message:
    """A message with everything it ever said. `date` is Unix time, the other times are monotonic seconds.

    `bot_id` is the bot that sent it, None for people and channels; `surplus_entities` counts what Telegram dropped
    beyond its hundred.
    """

    chat: Chat
    message_id: int
    sender: Account | None
    date: int
    history: list[Version]
    bot_id: int | None = None
    reply_to: Message | None = None
    has_photo: bool = False
    document: File | None = None
    album: str | None = None
    surplus_entities: int = 0
    edit_date: int | None = None
    deleted_at: float | None = None

    @property
    def now(self) -> Version:
        return self.history[-1]

    @property
    def sent_at(self) -> float:
        return self.history[0].time

    @property
    def text(self) -> str:
        return self.now.text

    @property
    def entities(self) -> list[Json]:
        return self.now.entities

    @property
    def reply_markup(self) -> Json | None:
        return self.now.reply_markup

    @property
    def texts(self) -> list[str]:
        """Every text it had, oldest first."""
        return [version.text for version in self.history]

    @property
    def links(self) -> list[str]:
        """The addresses its text links to, in order."""
        return [entity["url"] for entity in self.entities if entity["type"] == "text_link"]

    def buttons(self, version: int = -1) -> Iterator[Json]:
        """The buttons under one of its versions, the newest by default."""
        for row in (self.history[version].reply_markup or {}).get("inline_keyboard", []):
            yield from row

    def json(self) -> Json:
        is_file = self.has_photo or self.document is not None
        content, entities = ("caption", "caption_entities") if is_file else ("text", "entities")
        size = {"file_id": f"photo{self.message_id}", "file_unique_id": f"p{self.message_id}"}
        optional: Json = {
            content: self.text,
            entities: self.entities,
            "photo": [{**size, "width": 320, "height": 200}] if self.has_photo else None,
            "document": self.document and self._document_json(self.document),
            "media_group_id": self.album,
            "edit_date": self.edit_date,
            "reply_markup": self.reply_markup if "inline_keyboard" in (self.reply_markup or {}) else None,
            "reply_to_message": self.reply_to and self.reply_to._json_without_reply(),
            "from": self.sender and self.sender.json(),
            "sender_chat": self.chat.json() if self.chat.type == "channel" else None,
        }
        known = {name: value for name, value in optional.items() if value}
        return {"message_id": self.message_id, "date": self.date, "chat": self.chat.json(), **known}

    def _document_json(self, file: File) -> Json:
        ids = {"file_id": f"document{self.message_id}", "file_unique_id": f"d{self.message_id}"}
        return {**ids, "file_name": file.name, "file_size": len(file.content)}

    def _json_without_reply(self) -> Json:
        return {name: value for name, value in self.json().items() if name != "reply_to_message"}


@dataclass
class Call:
    """One request to the API as it was served.

    `outcome` is "pending", "ok", the error's description, "dropped" (nothing was done), "answer lost" (it was done),
    "hung", or "unheard" (the caller had gone). `status` is None where nothing was answered. `sent` is the message that
    the call delivered, `files` are those uploaded with it, by the name that a parameter attaches them by.
    """

    time: float
    bot_id: int | None
    method: str
    params: Json
    status: int | None = None
    outcome: str = "pending"
    sent: Message | None = None
    files: dict[str, File] = field(default_factory=dict)

    @property
    def chat_id(self) -> Any:
        return self.params.get("chat_id")


@dataclass
class Press:
    """A pressed button. `answer` is what the bot said to it: the parameters of answerCallbackQuery."""

    id: str
    data: str
    answer: Json | None = None
