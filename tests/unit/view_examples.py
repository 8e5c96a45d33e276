"""Runs, bots and workers as the tests of the views need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from storage.records import (
    Action,
    ActionKind,
    Actor,
    Category,
    Engine,
    Period,
    PostStatus,
    PublicBot,
    PublicBotSpec,
    Run,
    RunProgress,
    RunState,
    Worker,
)
from telegram_bot.views.view import View
from texts import Texts

START = datetime(2024, 12, 2, 6, tzinfo=UTC)
EN, RU = Texts("en"), Texts("ru")
ANNA, BORIS = Actor(7, "Anna"), Actor(8, "Борис")
BIGGEST_ID = 2**63 - 1

RUN = Run(
    id=7,
    public_bot_id=1,
    bot_slug="tech-ru",
    bot_title="Технодайджест",
    state=RunState.QUEUED,
    version=1,
    engine=Engine.CELERY,
    provider="openai",
    model="gpt-4.1-mini",
    period=Period(START - timedelta(days=1), START),
    post_limit=10,
    deliver=True,
    created_at=START,
    started_at=START,
    finished_at=None,
    failure=None,
    requested_by=1,
    cancelled_by=None,
    notice=None,
    timezone="Europe/Moscow",
    stage_started_at=START,
)


def progress(
    state: RunState, posts: Mapping[PostStatus, int] | None = None, run: Run = RUN, ended_after_s: float = 80
) -> RunProgress:
    finished_at = START + timedelta(seconds=ended_after_s) if state.has_ended else None
    return RunProgress(replace(run, state=state, finished_at=finished_at), posts or {}, 12000, 345, 6, 0.0123)


def at(seconds: float) -> datetime:
    """So many seconds after START."""
    return START + timedelta(seconds=seconds)


def act(kind: ActionKind, seconds: float, actor: Actor = ANNA, **details: int) -> Action:
    """What somebody did so many seconds after START."""
    return Action(at(seconds), actor, kind, details=details)


def worker(host: str = "this-host", seen_at: datetime = START) -> Worker:
    return Worker(f"digest@{host}", host, 1, ("categorize",), 32, START, seen_at)


def public_bot(number: int, title: str = "Технодайджест") -> PublicBot:
    spec = PublicBotSpec(
        slug=f"bot-{number}",
        title=title,
        language="ru",
        sources=(),
        categories=(Category("Мир", ()),),
        categorization_prompt="",
        summarization_prompt="",
        max_posts_per_digest=10,
        timezone="UTC",
    )
    return PublicBot(number, spec, has_token=False)


def callbacks(view: View) -> list[str | None]:
    """What the view's buttons say when pressed."""
    if view.reply_markup is None:
        return []
    return [button.callback_data for row in view.reply_markup.inline_keyboard for button in row]


def labels(view: View) -> list[str]:
    if view.reply_markup is None:
        return []
    return [button.text for row in view.reply_markup.inline_keyboard for button in row]


def marked(view: View, kind: str) -> list[str]:
    return [entity.extract_from(view.text) for entity in view.entities if entity.type == kind]
