"""The model for tests: answers at once or as it is told to, and fails the test that calls it from inside a session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from pipeline.ports import Answer, Brief, PostText, Usage
from storage.database import Database
from storage.records import Summary, Verdict

Behaviour = Callable[[str, Sequence[PostText]], Awaitable[None]]


async def obey(kind: str, posts: Sequence[PostText]) -> None:
    """The behaviour of a model that always answers."""


@dataclass
class FakeModel:
    """`behaviour` sees each call first and may raise; `leaves_out` says which posts the answer misses.

    Verdicts depend on the post's text alone: its first word is its category, and "important" makes it a 5.
    """

    behaviour: Behaviour = obey
    leaves_out: Callable[[PostText], bool] = lambda post: False
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
            post.key: Summary(post.text[:60], f"{post.text} (short)") for post in posts if not self.leaves_out(post)
        }
        return Answer(summaries, usage=Usage(100 * len(posts), 0, 20 * len(posts)))

    async def close(self) -> None:
        """Nothing to close."""

    async def _be_called(self, kind: str, posts: Sequence[PostText]) -> None:
        assert not Database.has_open_session(), "a model was called while a database session was open"
        self.calls.append((kind, tuple(post.text for post in posts)))
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        await self.behaviour(kind, posts)
