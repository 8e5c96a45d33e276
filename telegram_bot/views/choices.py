"""Questions with buttons, and answers to what could not be understood or done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from storage.records import PublicBot, RunProgress
from telegram_bot.callbacks import BotAction, CancelRun, ChooseBot, RetryRun, SendAgain
from telegram_bot.views.card_stage import stage_in_words
from telegram_bot.views.view import View, buttons, in_words, name, paragraphs
from texts import Texts

MAX_CHOICES = 50
EXAMPLES: Mapping[str, str] = {
    "digest": "/digest tech-ru 24h 10",
    "status": "/status 7",
    "cancel": "/cancel 7",
    "retry": "/retry 7",
}


def render_bot_choice(bots: Sequence[PublicBot], *, period: str | None, limit: int | None, texts: Texts) -> View:
    """Which bot is /digest for? `period` and `limit` come from the command, checked already."""
    rows = [
        [
            (
                name(bot.title) or bot.slug,
                ChooseBot(action=BotAction.DIGEST, bot_id=bot.id, period=period, limit=limit),
            )
        ]
        for bot in bots[:MAX_CHOICES]
    ]
    rest = texts.get("choice.other_bots") if len(bots) > MAX_CHOICES else None
    return View.of(paragraphs([texts.get("choice.bot"), rest]), buttons=buttons(rows))


def render_run_choice(runs: Sequence[RunProgress], *, texts: Texts) -> View:
    """Which of the runs that go on is to be cancelled?"""
    rows = [
        [
            (
                texts.get("choice.run_button", title=name(run.run.bot_title), stage=stage_in_words(run, texts)),
                CancelRun(run_id=run.run.id),
            )
        ]
        for run in runs[:MAX_CHOICES]
    ]
    return View.of(texts.get("choice.run"), buttons=buttons(rows))


def render_retry_choice(runs: Sequence[RunProgress], *, texts: Texts) -> View:
    """Which of the runs that failed is to be made again?"""
    rows = [
        [
            (
                texts.get("retry.button", title=name(run.run.bot_title), run=run.run.id),
                RetryRun(run_id=run.run.id),
            )
        ]
        for run in runs[:MAX_CHOICES]
    ]
    return View.of(texts.get("retry.choice"), buttons=buttons(rows))


def render_part_in_doubt(run_id: int, part: int, *, texts: Texts) -> View:
    """Nobody knows whether a part of the digest (from 1) arrived; only a person can see it."""
    again = (texts.get("button.send_again"), SendAgain(run_id=run_id))
    return View.of(texts.get("digest.part_in_doubt", part=part), buttons=buttons([[again]]))


def render_part_refused(part: int, reason: str, *, texts: Texts) -> View:
    """Telegram does not take a part of the digest (from 1)."""
    return View.of(in_words("digest.part_refused", {"part": part, "reason": reason}, texts))


def render_problem(message_id: str, params: Mapping[str, str | int], *, texts: Texts) -> View:
    """An error for people, in words; for all that is raised as ForPeople."""
    return View.of(in_words(message_id, params, texts))


def render_not_understood(command: str, arguments: str, *, texts: Texts) -> View:
    """`command` ("digest", …) was given what it cannot use; says which words, and an example that works."""
    return View.of(texts.get("choice.not_understood", words=name(arguments), example=EXAMPLES[command]))
