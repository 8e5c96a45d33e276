"""What we do not own and have more than one of: the model, the doorbell, the way to a public bot's readers and its rate
limit, and the values that pass through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
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

    Raises (all methods that ask):
        Retryable: network, overload, a broken envelope; the same call may work later.
        BatchRefused: this batch was not answered (refusal, content filter, cut off); smaller ones may be.
        PromptCut: the server did not read all of the prompt.
        ForPeople: nothing will work until somebody acts (key, quota, model's name).
    """

    @property
    def provider(self) -> str: ...

    @property
    def name(self) -> str: ...

    async def categorize(self, brief: Brief, posts: Sequence[PostText]) -> Answer[Verdict]: ...

    async def summarize(self, brief: Brief, posts: Sequence[PostText]) -> Answer[Summary]: ...

    async def probe(self) -> Usage:
        """Ask the easiest question there is, to see whether the provider works."""

    async def close(self) -> None: ...


class Doorbell(Protocol):
    """Tells whoever does the work that there is some. Called after the commit, never inside a transaction."""

    async def ring(self, rings: Sequence[Ring]) -> None:
        """Ring for each piece of work once.

        Raises:
            BrokerUnavailable: nobody heard it; the tick rings again.
        """

    async def ring_self_test(self, self_test_id: int) -> None:
        """Ring for a worker to try the model.

        Raises:
            BrokerUnavailable: nobody heard it.
        """

    async def depths(self) -> Mapping[str, int]:
        """Waiting messages by queue.

        Raises:
            BrokerUnavailable: the broker does not answer.
        """

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another installation's name in our Redis, and for how many seconds it stands there unless it is renewed."""

    name: str
    left_s: float


class Nameplate(Protocol):
    """Says in Redis whose it is."""

    async def show(self, name: str) -> Neighbour | None:
        """Let our name stand there for some seconds more. What is returned stands there instead, and ours does not.

        Raises:
            BrokerUnavailable: Redis cannot be asked.
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


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model provider allows: requests and tokens a minute (0: no limit), and calls at the same time."""

    requests: int = 0
    tokens: int = 0
    concurrency: int = 32


@dataclass(frozen=True, slots=True)
class Admission:
    """Seconds to wait before asking the gate again; 0: the place is taken. In an outage the provider has failed several
    times in a row, or will not work until somebody acts."""

    wait_s: float = 0.0
    is_outage: bool = False


class CallResult(StrEnum):
    """What a model call says of its provider."""

    WORKED = "worked"
    FAILED = "failed"
    BLOCKED = "blocked"  # it will not work until somebody acts
    SAYS_NOTHING = "nothing"


class ModelGate(Protocol):
    """The limits of one model provider, shared by everybody who asks it.

    Raises (all methods):
        BrokerUnavailable: it cannot be asked.
    """

    async def enter(self, ticket: str, tokens: int) -> Admission:
        """Take a place for one call of about so many tokens, question and answer together; each ticket is used once."""

    async def leave(self, ticket: str, outcome: CallResult, tokens: int | None = None, pause_s: float = 0.0) -> int:
        """Give the place back: how many tokens it really was, and how long nobody is to ask. The number of failures in
        a row since."""

    async def close(self) -> None: ...
