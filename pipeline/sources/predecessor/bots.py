"""The old program's bots, from JSON, TOML or the Python they are described in, as entries of our bots file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline.sources.predecessor import names
from pipeline.sources.predecessor.literals import Unread, Variable
from pipeline.sources.predecessor.schedules import cron_of
from pipeline.sources.predecessor.tree import Leftover, files_of, load
from pipeline.sources.reading import BrokenFile
from pipeline.sources.scalars import whole
from storage.records import Category, PublicBotSpec

TABLES = ("bots", "public_bots", "bot_configs")
NAME = ("slug", "key", "code", "name", "bot_name", "id")
CALLED = ("username", "title")  # its name where it has no other and stands under no key
TITLE = ("title", "display_name", "digest_title", "name", "bot_name", "username")
TOKEN = ("token", "bot_token", "api_token", "telegram_token", "token_env", "telegram_bot_token")
SOURCES = ("sources", "channels", "source_channels", "channel_list", "channel", "source", "feeds", "input_channels")
CATEGORIES = ("categories", "topics", "sections", "rubrics", "category_list")
CATEGORIZING = (
    "categorization_prompt", "categorize_prompt", "category_prompt", "classification_prompt", "classify_prompt",
    "filter_prompt", "selection_prompt", "categorization", "categorize",
)  # fmt: skip
SUMMARIZING = (
    "summarization_prompt", "summarize_prompt", "summary_prompt", "digest_prompt", "summarization", "summarize",
    "summary",
)  # fmt: skip
BOTH = ("prompt", "system_prompt", "instructions")
SCHEDULE = ("schedule", "cron", "times", "publish_times", "schedule_times", "post_times", "time")
TIMEZONE = ("timezone", "tz", "time_zone")
MOST = ("max_posts_per_digest", "max_posts", "posts_limit", "limit", "top_n", "digest_size", "posts_per_digest")
WINDOW = ("window_hours", "period_hours", "lookback_hours", "hours", "hours_back")
BATCH = ("batch_size",)
APPROVAL = ("approval", "moderation", "needs_approval", "require_approval", "manual_approval")
ENABLED = ("enabled", "active", "is_active", "is_enabled")
LANGUAGE = ("language", "lang", "locale")
MIN_POSTS = ("min_posts", "min_posts_per_digest")
GROUPS = (TOKEN, SOURCES, CATEGORIES, (*CATEGORIZING, *SUMMARIZING, *BOTH, "prompts"), SCHEDULE, (*NAME, *CALLED))
TAKEN = frozenset(
    key
    for keys in (*GROUPS, TITLE, TIMEZONE, MOST, WINDOW, BATCH, APPROVAL, ENABLED, LANGUAGE, MIN_POSTS)
    for key in keys
)
CYRILLIC = re.compile("[А-Яа-яЁё]")
CYRILLIC_LETTERS = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
IN_LATIN = "a b v g d e e zh z i y k l m n o p r s t u f h ts ch sh sch - y - e yu ya"
LATIN = dict(zip(CYRILLIC_LETTERS, IN_LATIN.split(), strict=True)) | {"ъ": "", "ь": ""}
NOT_A_LETTER = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class OldBot:
    """A public bot as our bots file has it, and its token where the file holds it in clear."""

    spec: PublicBotSpec
    token: str | None = field(repr=False, default=None)


@dataclass
class _Reader:
    """One bot while it is read; what is not understood is collected."""

    where: str
    node: Mapping[str, Any]
    left: list[Leftover] = field(default_factory=list)

    def get(self, keys: tuple[str, ...]) -> Any:
        """The first of these keys; a value that only running the program would tell is left over."""
        value = names.first(self.node, keys)
        if isinstance(value, Unread):
            key = next(key for key in self.node if str(key).casefold() in keys)
            self.leave(str(key), f"only running line {value.line} would tell its value")
            return None
        return value

    def leave(self, key: str, why: str) -> None:
        self.left.append(Leftover(f"{self.where}.{key}".lstrip("."), why))

    def text(self, keys: tuple[str, ...]) -> str:
        value = self.get(keys)
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            value = "\n".join(value)
        if value is not None and not isinstance(value, str):
            self.leave(keys[0], "it is no text")
            return ""
        return (value or "").strip()

    def number(self, keys: tuple[str, ...], least: int, most: int) -> int | None:
        value = self.get(keys)
        number = whole(value)
        if value is not None and (number is None or not least <= number <= most):
            self.leave(keys[0], f"it is no number from {least} to {most}")
            return None
        return number


def read_bots(path: Path, table: str | None = None) -> tuple[Sequence[OldBot], Sequence[Leftover]]:
    """The bots in a file, or in the files of a folder, and everything in them that was not understood.

    Raises:
        BrokenFile: a file cannot be read, or describes no bot.
    """
    bots: dict[str, OldBot] = {}
    left: list[Leftover] = []
    for file, place, stem in files_of(path):
        for found in _walk(load(file, (table,) if table else TABLES), place, stem):
            if isinstance(found, Leftover):
                left.append(found)
                continue
            slug = found.spec.slug
            if bots.setdefault(slug, found).spec != found.spec:
                left.append(Leftover(slug, "another bot has the same name; the first one was taken"))
    if not bots:
        raise BrokenFile(path.name, "describes no bot: one has a name and a token, prompts, categories or channels")
    return list(bots.values()), left


def _walk(node: object, where: str, hint: str | None) -> Iterator[OldBot | Leftover]:
    if isinstance(node, dict) and sum(names.first(node, keys) is not None for keys in GROUPS) >= 2:
        yield from _read(_Reader(where, node), hint)
    elif isinstance(node, dict):
        for key, one in node.items():
            place = f"{where}.{key}".lstrip(".")
            if str(key).casefold() in CATEGORIES:
                yield Leftover(place, "these categories are of no bot in particular")
            elif isinstance(one, dict | list):
                yield from _walk(one, place, str(key))
            else:
                yield Leftover(place, "it is no bot and of none")
    elif isinstance(node, list):
        for number, one in enumerate(node):
            yield from _walk(one, f"{where}[{number}]", None)
    else:
        yield Leftover(where or "the file", "it is no bot")


def _read(reader: _Reader, hint: str | None) -> Iterator[OldBot | Leftover]:
    own, called = reader.get(NAME), names.first(reader.node, CALLED)
    name = str(own if isinstance(own, str | int) else hint or (called if isinstance(called, str) else "bot"))
    title = reader.text(TITLE) or name
    token, token_env = _token(reader, slug_of(name))
    prompts = _prompts(reader)
    is_russian = CYRILLIC.search("".join((title, *prompts))) is not None
    spec = PublicBotSpec(
        slug=slug_of(name),
        title=title[:200],
        language=_language(reader) or ("ru" if is_russian else "en"),
        sources=_sources(reader),
        categories=(),
        categorization_prompt=prompts[0],
        summarization_prompt=prompts[1],
        max_posts_per_digest=reader.number(MOST, 1, 200) or 15,
        timezone=reader.text(TIMEZONE) or "UTC",
        token_env=token_env,
        window_hours=reader.number(WINDOW, 1, 24 * 366),
        batch_size=reader.number(BATCH, 1, 10),
        min_posts=reader.number(MIN_POSTS, 0, 200),
        approval=_flag(reader, APPROVAL),
        paused=None if (enabled := _flag(reader, ENABLED)) is None else not enabled,
    )
    yield OldBot(replace(spec, categories=_categories(reader, spec.language), schedule=_schedule(reader)), token)
    for key in reader.node:
        if str(key).casefold() not in TAKEN | {"prompts"}:
            reader.leave(str(key), "there is nothing like it in a bots file")
    yield from reader.left


def slug_of(name: str) -> str:
    """A name as commands can have it: "Техно дайджест" is "tehno-daydzhest"."""
    latin = "".join(LATIN.get(letter, letter) for letter in name.casefold())
    return NOT_A_LETTER.sub("-", latin).strip("-")[:60] or "bot"


def _token(reader: _Reader, slug: str) -> tuple[str | None, str | None]:
    """The token where it stands there, and the variable that our file names."""
    value = reader.get(TOKEN)
    if isinstance(value, Variable):
        return None, value.name
    if not isinstance(value, str) or not value.strip():
        return None, None
    named = value.strip()
    if re.fullmatch(r"\$\{?([A-Za-z_]\w*)\}?|([A-Z_][A-Z0-9_]*)", named, re.ASCII):
        return None, named.strip("${}")
    return named, f"{slug.replace('-', '_').upper()}_TOKEN" if slug[0].isalpha() else f"BOT_{slug.upper()}_TOKEN"


def _prompts(reader: _Reader) -> tuple[str, str]:
    """The prompts for categorizing and for summarizing; an only one is meant for both."""
    inner = reader.get(("prompts",))
    if isinstance(inner, dict):
        reader.node = {**{key: one for key, one in reader.node.items() if key != "prompts"}, **inner}
    elif isinstance(inner, list):
        reader.node = {**reader.node, "prompt": inner}
    both = reader.text(BOTH)
    return reader.text(CATEGORIZING) or both, reader.text(SUMMARIZING) or both


def _sources(reader: _Reader) -> tuple[str, ...]:
    value = reader.get(SOURCES)
    parts = list(value) if isinstance(value, list | dict) else [value] if value is not None else []
    found = [names.channel_name(one) for one in parts]
    if None in found:
        reader.leave(SOURCES[0], "some of its channels cannot be named")
    known = tuple(dict.fromkeys(name for name in found if name))
    if not known:
        reader.leave(SOURCES[0], 'it names no channels: "old" stands there, write the names of its sources')
    return known or ("old",)


def _categories(reader: _Reader, language: str) -> tuple[Category, ...]:
    value = reader.get(CATEGORIES)
    if isinstance(value, dict):
        value = [
            {"name": name, **(one if isinstance(one, dict) else {"description": one})} for name, one in value.items()
        ]
    found: dict[str, Category] = {}
    for number, one in enumerate(value if isinstance(value, list) else []):
        category = _category(reader, one, f"{CATEGORIES[0]}[{number}]")
        if category is not None:
            found.setdefault(category.name.casefold(), category)
    if not found:
        name = "Новости" if language == "ru" else "News"
        reader.leave(CATEGORIES[0], f'it has no categories: one named "{name}" stands there, write your own')
        return (Category(name, (name,)),)
    return tuple(found.values())


def _category(reader: _Reader, one: object, where: str) -> Category | None:
    if isinstance(one, str) and one.strip():
        one = {"name": one}
    name = names.first(one, ("name", "title", "category", "label", "id")) if isinstance(one, dict) else None
    if not isinstance(one, dict) or not isinstance(name, str):
        reader.leave(where, "it has no name")
        return None
    described = names.first(one, ("description", "descriptions", "desc", "prompt", "keywords", "hint"))
    lines = [described] if isinstance(described, str) else described if isinstance(described, list) else []
    words = tuple(line for line in lines if isinstance(line, str) and line.strip())
    if not words:
        reader.leave(where, f'"{name}" has no description, so its name stands for it: write a sentence')
    if isinstance(described, list):  # keywords are one description together
        words = (", ".join(words),) if words else ()
    examples = one.get("examples")
    kept = tuple(text for text in examples if isinstance(text, str) and text) if isinstance(examples, list) else ()
    return Category(name.strip()[:200], words or (name.strip(),), kept)


def _schedule(reader: _Reader) -> str | None:
    value = reader.get(SCHEDULE)
    if value is None:
        return None
    cron = cron_of(value)
    if cron is None:
        reader.leave(SCHEDULE[0], "it is no cron expression and no times of day: write one such as 0 9 * * *")
    return cron


def _flag(reader: _Reader, keys: tuple[str, ...]) -> bool | None:
    value = reader.get(keys)
    if value is None or isinstance(value, bool):
        return value
    if value in (0, 1):
        return bool(value)
    reader.leave(keys[0], "it is neither true nor false")
    return None


def _language(reader: _Reader) -> str | None:
    value = reader.get(LANGUAGE)
    if value is None:
        return None
    folded = str(value).casefold()
    if folded.startswith(("ru", "рус")):
        return "ru"
    if folded.startswith(("en", "англ")):
        return "en"
    reader.leave(LANGUAGE[0], "digests are written in en or ru")
    return None
