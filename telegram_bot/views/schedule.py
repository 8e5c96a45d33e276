"""/schedule: each public bot with its cron expression and the next times it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aiogram.utils.formatting import Bold, Text

from pipeline.stages.schedule import UnusableCron, next_due
from storage.records import PublicBot
from telegram_bot.views.view import Node, View, lines, name, paragraphs
from texts import Texts

MAX_BOTS = 10  # as many as fit into one message with the longest names
NEXT_TIMES = 3


def render_schedule(bots: Sequence[PublicBot], *, texts: Texts, now: datetime) -> View:
    """The bots' schedules, each in the bot's own time zone, and how to give one to a bot that has none."""
    shown: list[Node] = [_bot(bot, texts, now) for bot in bots[:MAX_BOTS]]
    if hidden := len(bots) - len(shown):
        shown.append(texts.plural("schedule.more", hidden))
    return View.of(paragraphs(shown))


def _bot(bot: PublicBot, texts: Texts, now: datetime) -> Node:
    cron, timezone = bot.spec.schedule, bot.spec.timezone
    title = Text(Bold(name(bot.title) or bot.slug), f" ({bot.slug})")
    if cron is None:
        return lines([title, texts.get("schedule.none")])
    try:
        times = next_due(cron, timezone, now, NEXT_TIMES)
    except UnusableCron:
        return lines([title, texts.get("schedule.unusable", schedule=cron, slug=bot.slug)])
    return lines(
        [
            title,
            texts.get("schedule.in_zone", schedule=cron, timezone=timezone),
            texts.get("schedule.paused") if bot.is_paused else texts.get("schedule.next"),
            *(f"• {texts.appointment(moment, timezone)}" for moment in times),
        ]
    )
