"""The bots file: public bots as TOML that a person writes, checked so that a mistake names its key."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import tomli_w
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import ForPeople
from pipeline.stages.schedule import check_cron
from storage.records import Category, PublicBotSpec


def _one_or_many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError('there is no such time zone; write one like "Europe/Moscow"')
    ZoneInfo(name)
    return name


def _cron(expression: str) -> str:
    check_cron(expression)
    return expression


Line = Annotated[str, Field(min_length=1, max_length=200)]
Lines = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_one_or_many)]


class CategoryEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Line
    description: Annotated[Lines, Field(min_length=1)]
    examples: Lines = ()


class PublicBotEntry(BaseModel):
    """One [[public_bots]] table."""

    model_config = ConfigDict(extra="forbid")

    slug: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    title: Line
    token_env: str | None = Field(None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    language: Literal["en", "ru"] = "en"
    sources: tuple[Line, ...] = Field(min_length=1)
    max_posts_per_digest: int = Field(15, ge=1, le=200)
    schedule: Annotated[str, AfterValidator(_cron)] | None = None
    timezone: Annotated[str, AfterValidator(_timezone)] = "UTC"
    categorization_prompt: str = ""
    summarization_prompt: str = ""
    approval: bool | None = None
    min_posts: int | None = Field(None, ge=0)
    quiet_day: Literal["skip", "shorten", "say"] | None = None
    window_hours: int | None = Field(None, ge=1)
    batch_size: int | None = Field(None, ge=1, le=10)
    paused: bool | None = None
    categories: tuple[CategoryEntry, ...] = Field(min_length=1, max_length=30)

    @model_validator(mode="after")
    def _names_are_unique(self) -> PublicBotEntry:
        names = [category.name.casefold() for category in self.categories]
        if len(set(names)) < len(names):
            raise ValueError("two categories have the same name")
        return self


class BotsFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    public_bots: tuple[PublicBotEntry, ...] = Field(min_length=1)


def read_bots_file(path: Path) -> Sequence[PublicBotSpec]:
    """The public bots that a file describes.

    Raises:
        ForPeople: it cannot be read, is not TOML, or a key is missing, unknown or has a wrong value.
    """
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except OSError as error:
        raise _bad(path, "", error.strerror or "cannot be read") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad(path, "", f"not valid TOML: {error}") from None
    try:
        entries = BotsFile.model_validate(content).public_bots
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        problem = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise _bad(path, _key(first["loc"]), problem) from None
    slugs = [entry.slug for entry in entries]
    for number, slug in enumerate(slugs):
        if slug in slugs[:number]:
            raise _bad(path, f"public_bots[{number}].slug", f"{slug} is described twice")
    return [_spec(entry) for entry in entries]


def write_bots_file(bots: Sequence[PublicBotSpec]) -> str:
    """The file that `read_bots_file` reads as just these public bots."""
    return tomli_w.dumps({"public_bots": [_entry(spec) for spec in bots]}, multiline_strings=True)


def _key(location: Sequence[str | int]) -> str:
    """`("public_bots", 0, "slug")` as people write it: public_bots[0].slug."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


def _bad(path: Path, key: str, problem: str) -> ForPeople:
    return ForPeople("bots.bad_file", file=path.name, key=key or "the file", problem=problem)


def _spec(entry: PublicBotEntry) -> PublicBotSpec:
    return PublicBotSpec(
        slug=entry.slug,
        title=entry.title,
        language=entry.language,
        sources=entry.sources,
        categories=tuple(Category(one.name, one.description, one.examples) for one in entry.categories),
        categorization_prompt=entry.categorization_prompt,
        summarization_prompt=entry.summarization_prompt,
        max_posts_per_digest=entry.max_posts_per_digest,
        timezone=entry.timezone,
        schedule=entry.schedule,
        token_env=entry.token_env,
        approval=entry.approval,
        min_posts=entry.min_posts,
        quiet_day=entry.quiet_day,
        window_hours=entry.window_hours,
        batch_size=entry.batch_size,
        paused=entry.paused,
    )


def _entry(spec: PublicBotSpec) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "slug": spec.slug,
        "title": spec.title,
        "token_env": spec.token_env,
        "language": spec.language,
        "sources": list(spec.sources),
        "max_posts_per_digest": spec.max_posts_per_digest,
        "schedule": spec.schedule,
        "timezone": spec.timezone,
        "approval": spec.approval,
        "min_posts": spec.min_posts,
        "quiet_day": spec.quiet_day,
        "window_hours": spec.window_hours,
        "batch_size": spec.batch_size,
        "paused": spec.paused,
        "categorization_prompt": spec.categorization_prompt,
        "summarization_prompt": spec.summarization_prompt,
    }
    entry = {key: value for key, value in entry.items() if value is not None}
    entry["categories"] = [
        {"name": one.name, "description": list(one.descriptions), "examples": list(one.examples)}
        for one in spec.categories
    ]
    return entry
