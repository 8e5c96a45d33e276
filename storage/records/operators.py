"""Who runs the desk: what they did, and what they should know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: an operator, or with id None somebody at the command line."""

    id: int | None
    name: str


COMMAND_LINE = Actor(None, "command line")


@dataclass(frozen=True, slots=True)
class Operator:
    user_id: int
    name: str
    language: str


class ActionKind(StrEnum):
    """What an operator can change; each is written down with who and when."""

    START = "start"
    CANCEL = "cancel"
    RETRY = "retry"
    PUBLISH = "publish"
    DISCARD = "discard"
    REGENERATE = "regenerate"
    PAUSE_DELIVERY = "pause_delivery"
    RESUME_DELIVERY = "resume_delivery"
    RESEND = "resend"
    PAUSE_BOT = "pause_bot"
    RESUME_BOT = "resume_bot"
    APPLY_BOT = "apply_bot"
    INVITE = "invite"
    EXPORT = "export"
    ACCEPT_CHAT = "accept_chat"
    DECLINE_CHAT = "decline_chat"
    ADD_SOURCE = "add_source"
    SET_BATCH_SIZE = "set_batch_size"


@dataclass(frozen=True, slots=True)
class Action:
    at: datetime
    actor: Actor
    kind: ActionKind
    public_bot_id: int | None = None
    run_id: int | None = None
    details: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that operators should know of: a message id of texts/ with its parameters."""

    id: int
    at: datetime
    message_id: str
    params: Mapping[str, str | int]
    public_bot_id: int | None
    run_id: int | None


@dataclass(frozen=True, slots=True)
class StrangerCount:
    """How many people who are no operators tried the admin bot lately, and how many times in all."""

    people: int = 0
    times: int = 0
