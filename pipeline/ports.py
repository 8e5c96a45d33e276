"""What we do not own and have more than one of: the model, the doorbell, the way to a public bot's readers and its rate
limit, and the values that pass through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from storage.records import Category, Ring, Summary, Verdict

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Brief:
    """What a public bot wants of its posts. `language` is the digest's, as an ISO 639-1 code."""

    language: str
    prompt: str
    categories: tuple[Category, ...] = ()


@dataclass(frozen=True, slots=True)
class PostText:
    """A post as a model sees it: `key` is "p1", "p2", … within its batch."""

    key: str
    text: str
    channel: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call as the server reported them; `cached` is the part of `input` that was billed as cached."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A model's answer, item by item: every key of the batch is in `items` or, with the reason, in `problems`."""

    items: Mapping[str, T]
    problems: Mapping[str, str] = field(default_factory=dict)
    usage: Usage = Usage()


class Model(Protocol):
    """A model provider. One method call is one model call: retrying is the caller's business.

    Raises (both methods):
        Retryable: network, overload, a broken envelope; the same call may work later.
        BatchRefused: this batch was not answered (refusal, content filter, cut off); smaller ones may be.
        ForPeople: nothing will work until somebody acts (key, quota, model's name).
    """

    @property
    def provider(self) -> str: ...

    @property
    def name(self) -> str: ...

    async def categorize(self, brief: Brief, posts: Sequence[PostText]) -> Answer[Verdict]: ...

    async def summarize(self, brief: Brief, posts: Sequence[PostText]) -> Answer[Summary]: ...

    async def close(self) -> None: ...


class Doorbell(Protocol):
    """Tells whoever does the work that there is some. Called after the commit, never inside a transaction."""

    async def ring(self, rings: Sequence[Ring]) -> None:
        """Ring for each piece of work once.

        Raises:
            BrokerUnavailable: nobody heard it; the tick rings again.
        """

    async def depths(self) -> Mapping[str, int]:
        """Waiting messages by queue.

        Raises:
            BrokerUnavailable: the broker does not answer.
        """

    async def close(self) -> None: ...


class Courier(Protocol):
    """Sends in the name of one bot. A method call is one call of Telegram: trying again is the caller's business.

    Raises (all methods):
        Retryable: it certainly did not arrive and may later (flood control, connection refused).
        Uncertain: nobody knows whether it arrived.
        Unreachable: this chat cannot be written to.
        Migrated: this chat has another id now.
        MessageRefused: no chat would get this message.
        TokenRefused: the bot's token is no good.
    """

    async def send(self, chat_id: int, **message: Any) -> int:
        """Send a message; its id."""


class Couriers(Protocol):
    """The couriers of all public bots."""

    async def of(self, public_bot_id: int, token_encrypted: str) -> Courier:
        """The courier of this public bot, whose HTTP session lives as long as the process or the token.

        Raises:
            ForPeople: the token cannot be decrypted, or is none.
        """

    async def close(self) -> None: ...


class Limiter(Protocol):
    """How many messages a bot may send, shared by everybody who sends in its name.

    Raises (all methods):
        BrokerUnavailable: it cannot be asked.
    """

    async def reserve(self, public_bot_id: int, messages: int) -> float:
        """Seconds until so many messages may go. Their places are taken, unless it is over LONGEST_RESERVATION_S:
        then nothing is, and one asks again after that time. A pause that begins meanwhile counts all the same: ask
        `pause_left_s` before sending."""

    async def pause(self, public_bot_id: int, seconds: float) -> None:
        """Telegram told the bot to be silent: nothing is to be sent in its name for so long."""

    async def pause_left_s(self, public_bot_id: int) -> float:
        """Seconds until a pause ends; 0: there is none."""

    async def close(self) -> None: ...


LONGEST_RESERVATION_S = 3.0
