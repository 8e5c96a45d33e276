"""One public bot: where its posts come from, what is in force for it, and what operators last did with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from aiogram.types import InlineKeyboardMarkup
from aiogram.utils.formatting import Bold

from pipeline.stages.display_text import clip
from pipeline.stages.funnel import funnel
from pipeline.stages.plain_text import one_line
from storage.records import BotDetails
from telegram_bot.callbacks import PauseBot, ShowBots
from telegram_bot.views.bot_actions import change_in_words
from telegram_bot.views.bots import bot_heading, bot_state
from telegram_bot.views.card_ending import delivered_in_words
from telegram_bot.views.sources import source_in_words
from telegram_bot.views.view import Node, View, buttons, lines, paragraphs
from texts import Texts

MAX_SOURCES = 8
MAX_CATEGORIES = 600
MAX_PROMPT = 200
QUIET_DAYS: Mapping[str, str] = MappingProxyType(
    {"skip": "console.quiet_skip", "shorten": "console.quiet_shorten", "say": "console.quiet_say"}
)


def render_bot(details: BotDetails, page: int, *, texts: Texts, now: datetime) -> View:
    """`page` is where the list stands that Back leads to."""
    overview, spec = details.overview, details.overview.bot.spec
    language = texts.language_name(spec.language)
    return View.of(
        paragraphs(
            [
                lines([bot_heading(overview), *bot_state(overview, texts, now), _last_digest(details, texts, now)]),
                lines(
                    [
                        texts.get("console.language", language=language, timezone=spec.timezone),
                        *_limits(details, texts),
                        texts.get("console.approval_on" if details.approval else "console.approval_off"),
                    ]
                ),
                _sources(details, texts, now),
                texts.get("console.categories", names=_shortened(_categories(details), MAX_CATEGORIES)),
                _prompts(details, texts),
                _changes(details, texts, now),
            ]
        ),
        buttons=_steering(details, page, texts),
    )


def _last_digest(details: BotDetails, texts: Texts, now: datetime) -> Node:
    progress = details.last_digest
    if progress is None:
        return texts.get("console.no_digest", slug=details.overview.bot.slug)
    run = progress.run
    last = texts.get(
        "console.last_digest",
        posts=texts.plural("count.posts", funnel(progress.posts).given),
        ago=texts.ago(run.finished_at or run.stage_started_at, now),
        run=run.id,
    )
    return f"{last} {delivered_in_words(progress.delivery, texts)}." if progress.delivery else last


def _limits(details: BotDetails, texts: Texts) -> list[Node | None]:
    spec = details.overview.bot.spec
    quiet = QUIET_DAYS.get(details.quiet_day)
    return [
        texts.plural("console.limits", spec.max_posts_per_digest, hours=details.window_hours),
        texts.get(quiet, least=max(details.min_posts, 1)) if quiet else None,
    ]


def _sources(details: BotDetails, texts: Texts, now: datetime) -> Node:
    if not details.sources:
        return texts.get("digest.no_sources", slug=details.overview.bot.slug)
    shown: list[Node] = [source_in_words(one, texts, now) for one in details.sources[:MAX_SOURCES]]
    if hidden := len(details.sources) - len(shown):
        shown.append(texts.plural("sources.more", hidden))
    return lines([Bold(texts.get("console.sources")), *shown])


def _categories(details: BotDetails) -> str:
    return ", ".join(category.name for category in details.overview.bot.spec.categories)


def _prompts(details: BotDetails, texts: Texts) -> Node | None:
    spec = details.overview.bot.spec
    chooses, writes = (
        _shortened(prompt, MAX_PROMPT) for prompt in (spec.categorization_prompt, spec.summarization_prompt)
    )
    rows = [
        texts.get("console.chooses", words=chooses) if chooses else None,
        texts.get("console.writes", words=writes) if writes else None,
    ]
    return lines(rows) if any(rows) else None


def _changes(details: BotDetails, texts: Texts, now: datetime) -> Node | None:
    timezone = details.overview.bot.spec.timezone
    rows = [change_in_words(action, timezone, texts, now) for action in details.actions]
    return lines([Bold(texts.get("console.changes")), *rows]) if rows else None


def _steering(details: BotDetails, page: int, texts: Texts) -> InlineKeyboardMarkup:
    bot = details.overview.bot
    label = texts.get("button.resume") if bot.is_paused else texts.get("button.pause")
    steer = (label, PauseBot(bot_id=bot.id, page=page, pause=not bot.is_paused))
    return buttons([[steer, (texts.get("button.back"), ShowBots(page=page))]])


def _shortened(text: str, most: int) -> str:
    return clip(one_line(text), most)
