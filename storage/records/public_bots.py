"""Public bots: the audiences."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Category:
    name: str
    descriptions: tuple[str, ...]
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a public bot wants of its posts."""

    language: str
    categories: tuple[Category, ...]
    categorization_prompt: str
    summarization_prompt: str


@dataclass(frozen=True, slots=True)
class PublicBotSpec:
    """A public bot as a bots file describes it; `None` means: as in settings.toml, for `paused`: as it is."""

    slug: str
    title: str
    language: str
    sources: tuple[str, ...]
    categories: tuple[Category, ...]
    categorization_prompt: str
    summarization_prompt: str
    max_posts_per_digest: int
    timezone: str
    schedule: str | None = None
    token_env: str | None = None
    approval: bool | None = None
    min_posts: int | None = None
    quiet_day: str | None = None
    window_hours: int | None = None
    batch_size: int | None = None
    paused: bool | None = None


@dataclass(frozen=True, slots=True)
class PublicBot:
    """`telegram_id` and `username` are known once Telegram has been asked with its token; `token_fault` is the message
    id that says why the token cannot be used; Telegram told the bot to be silent until `parked_until`."""

    id: int
    spec: PublicBotSpec
    has_token: bool
    is_paused: bool = False
    schedule_since: datetime | None = None
    telegram_id: int | None = None
    username: str | None = None
    token_fault: str | None = None
    parked_until: datetime | None = None

    @property
    def slug(self) -> str:
        return self.spec.slug

    @property
    def title(self) -> str:
        return self.spec.title


@dataclass(frozen=True, slots=True)
class BotToken:
    """What is needed to serve a public bot; the token is encrypted. `fault` is the message id that says why it cannot
    be used."""

    public_bot_id: int
    slug: str
    language: str
    encrypted: str = field(repr=False)
    telegram_id: int | None = None
    fault: str | None = None
