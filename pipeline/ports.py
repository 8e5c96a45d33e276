"""What we do not own and have more than one of: the model and the doorbell, and the values that pass through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

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
