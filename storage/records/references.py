"""Posts as somebody else names them, and what we know them by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PostReference:
    """What another program says of a post: any of its id, its channel in one spelling, its link and its text."""

    id: str | None = None
    channel: str | None = None
    url: str | None = None
    text: str | None = None

    def __str__(self) -> str:
        return self.url or ":".join(part for part in (self.channel, self.id) if part) or (self.text or "")[:60]


@dataclass(frozen=True, slots=True)
class KnownPost:
    """A stored post by everything that it may be called."""

    id: int
    source: str
    username: str | None
    home_channel: str | None
    external_id: str
    url: str | None
    text_hash: str


@dataclass(frozen=True, slots=True)
class GivenPost:
    """A post that a public bot's readers were given by us."""

    bot_slug: str
    post: KnownPost
    given_at: datetime
