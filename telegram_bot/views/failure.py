"""A run that failed, as a message of its own: an edited card does not notify."""

from __future__ import annotations

from aiogram.utils.formatting import Bold

from storage.records import Run
from telegram_bot.views.card_ending import failure_in_words
from telegram_bot.views.view import View, lines, name
from texts import Texts


def render_failure(run: Run, *, texts: Texts) -> View:
    """Which digest did not come about, and what to do."""
    return View.of(lines([Bold(f"❌ {name(run.bot_title) or run.bot_slug}"), failure_in_words(run, texts)]))
