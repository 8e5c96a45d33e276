"""Sources and the posts that come from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SourceKind(StrEnum):
    FILE = "file"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Source:
    id: int
    name: str
    kind: SourceKind
    title: str
    chat_id: int | None = None
    username: str | None = None
    home_channel: str | None = None


@dataclass(frozen=True, slots=True)
class SourceOverview:
    source: Source
    posts: int
    last_post_at: datetime | None


@dataclass(frozen=True, slots=True)
class IncomingPost:
    """A post as a source gives it: `text` is the visible text, times are aware and in UTC.

    `channel` identifies the channel within a source that mixes several; `album_id` groups the messages of one album.
    """

    external_id: str
    published_at: datetime
    text: str
    url: str | None = None
    links: tuple[str, ...] = ()
    edited_at: datetime | None = None
    channel: str | None = None
    channel_title: str | None = None
    album_id: str | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """A stored post. `source_title` is what a reader sees as its origin; `url` is where it can be read."""

    id: int
    source_id: int
    source_title: str
    external_id: str
    published_at: datetime
    text: str
    url: str | None
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A post in a period, as planning needs it; `was_given`: this bot's readers already had it or its text."""

    id: int
    text_hash: str
    was_given: bool
