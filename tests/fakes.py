"""Doubles of what we do not own. The model answers at once or as it is told to; the couriers write down what they carry
or do as they are told. Both fail the test that calls them from inside a session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.adapters.limiter import LocalLimiter
from pipeline.ports import Answer, Brief, Courier, PostText, Usage
from storage.database import Database
from storage.records import Summary, Verdict

Behaviour = Callable[[str, Sequence[PostText]], Awaitable[None]]


async def obey(kind: str, posts: Sequence[PostText]) -> None:
    """The behaviour of a model that always answers."""


@dataclass
class FakeModel:
    """`behaviour` sees each call first and may raise; `leaves_out` says which posts the answer misses, and `summary_of`
    what it writes.

    Verdicts depend on the post's text alone: its first word is its category, and "important" makes it a 5.
    """

    behaviour: Behaviour = obey
    leaves_out: Callable[[PostText], bool] = lambda post: False
    summary_of: Callable[[PostText], str] = lambda post: f"{post.text} (short)"
    latency_s: float = 0.0
    calls: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    provider: str = "fake"
    name: str = "fake-1"

    async def categorize(self, brief: Brief, posts: Sequence[PostText]) -> Answer[Verdict]:
        await self._be_called("categorize", posts)
        names = {category.name.lower(): category.name for category in brief.categories}
        verdicts = {
            post.key: Verdict(names.get(post.text.split()[0].lower()), 5 if "important" in post.text else 3, "fake")
            for post in posts
            if not self.leaves_out(post)
        }
        return Answer(verdicts, usage=Usage(100 * len(posts), 0, 10 * len(posts)))

    async def summarize(self, brief: Brief, posts: Sequence[PostText]) -> Answer[Summary]:
        await self._be_called("summarize", posts)
        summaries = {
            post.key: Summary(post.text[:60], self.summary_of(post)) for post in posts if not self.leaves_out(post)
        }
        return Answer(summaries, usage=Usage(100 * len(posts), 0, 20 * len(posts)))

    async def probe(self) -> Usage:
        await self._be_called("probe", [])
        return Usage(10, 0, 1)

    async def close(self) -> None:
        """Nothing to close."""

    async def _be_called(self, kind: str, posts: Sequence[PostText]) -> None:
        assert not Database.has_open_session(), "a model was called while a database session was open"
        self.calls.append((kind, tuple(post.text for post in posts)))
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        await self.behaviour(kind, posts)


@dataclass(frozen=True)
class Carried:
    """A message that a fake courier was given."""

    public_bot_id: int
    chat_id: int
    text: str


@dataclass
class FakeCouriers:
    """`trouble` sees each message before it counts as delivered and may raise; `refuses_token` fails `of`."""

    trouble: Callable[[Carried], Exception | None] = lambda carried: None
    refuses_token: Exception | None = None
    latency_s: float = 0.0
    delivered: list[Carried] = field(default_factory=list)
    attempts: list[Carried] = field(default_factory=list)

    async def of(self, public_bot_id: int, token_encrypted: str) -> Courier:
        if self.refuses_token is not None:
            raise self.refuses_token
        return FakeCourier(self, public_bot_id)

    async def close(self) -> None:
        """Nothing to close."""


@dataclass
class FakeCourier:
    couriers: FakeCouriers
    public_bot_id: int

    async def send(self, chat_id: int, **message: Any) -> int:
        assert not Database.has_open_session(), "Telegram was called while a database session was open"
        carried = Carried(self.public_bot_id, chat_id, str(message["text"]))
        self.couriers.attempts.append(carried)
        if self.couriers.latency_s:
            await asyncio.sleep(self.couriers.latency_s)
        if (error := self.couriers.trouble(carried)) is not None:
            raise error
        self.couriers.delivered.append(carried)
        return len(self.couriers.delivered)


def fast_limiter() -> LocalLimiter:
    """A limiter that never holds a test up."""
    return LocalLimiter(1_000_000)
