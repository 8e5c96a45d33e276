"""Public bots: the audiences."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Category:
    name: str
    descriptions: tuple[str, ...]
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublicBotSpec:
    """A public bot as a bots file describes it; `None` means: as in settings.toml."""

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


@dataclass(frozen=True, slots=True)
class PublicBot:
    id: int
    spec: PublicBotSpec
    has_token: bool

    @property
    def slug(self) -> str:
        return self.spec.slug

    @property
    def title(self) -> str:
        return self.spec.title
