"""What readers of a public bot see in private, the digests apart."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from datetime import datetime

from aiogram.types import BotCommand
from aiogram.utils.formatting import Bold

from pipeline.stages.schedule import next_due
from storage.records import PublicBot
from telegram_bot.callbacks import ChooseLanguage, ChooseTopic, ForgetMe
from telegram_bot.views.view import View, buttons, lines, name, paragraphs
from texts import LANGUAGES, Texts

# command, what it does
COMMANDS = (
    ("latest", "reader.command.latest"),
    ("topics", "reader.command.topics"),
    ("language", "reader.command.language"),
    ("stop", "reader.command.stop"),
    ("forget", "reader.command.forget"),
    ("help", "reader.command.help"),
)


def reader_menu(texts: Texts) -> list[BotCommand]:
    """The menu that Telegram shows to readers."""
    return [BotCommand(command=command, description=texts.get(purpose)) for command, purpose in COMMANDS]


def render_start(bot: PublicBot, *, is_new: bool, texts: Texts, now: datetime) -> View:
    """What comes, when, and the ways out; for whoever reads already, that they do."""
    opening = texts.get("reader.welcome" if is_new else "reader.already")
    coming = f"{opening} {_when(bot, texts, now)}"
    return View.of(paragraphs([Bold(name(bot.title)), coming, texts.get("reader.ways_out")]))


def render_stopped(*, did_read: bool, texts: Texts) -> View:
    """How to return, and that what is kept can be erased."""
    return View.of(texts.get("reader.stopped" if did_read else "reader.not_reading"))


def render_help(bot: PublicBot, *, texts: Texts) -> View:
    rows = [f"/{command} — {texts.get(purpose)}" for command, purpose in COMMANDS]
    return View.of(paragraphs([Bold(name(bot.title)), lines(rows)]))


def render_hint(texts: Texts) -> View:
    """The one line for what was not understood."""
    return View.of(texts.get("reader.hint"))


def render_unknown(texts: Texts) -> View:
    """There is nothing to choose for somebody of whom nothing is kept."""
    return View.of(texts.get("reader.unknown"))


def render_topics(bot: PublicBot, left_out: Collection[str], *, texts: Texts) -> View:
    """A button for each category, which takes it in or leaves it out."""
    seal = seal_of(bot)
    rows = []
    for index, category in enumerate(bot.spec.categories):
        is_in = category.name not in left_out
        label = f"{'✅' if is_in else '▫️'} {name(category.name)}"
        rows.append([(label, ChooseTopic(seal=seal, index=index, wanted=not is_in))])
    return View.of(texts.get("reader.topics"), buttons=buttons(rows))


def seal_of(bot: PublicBot) -> int:
    """A checksum of the categories, by which an outdated button is known."""
    return zlib.crc32("\n".join(category.name for category in bot.spec.categories).encode())


def render_languages(texts: Texts) -> View:
    row = [(Texts(language).get("reader.language_name"), ChooseLanguage(language=language)) for language in LANGUAGES]
    return View.of(texts.get("reader.languages"), buttons=buttons([row]))


def render_language_chosen(texts: Texts) -> View:
    """In the new language; that of the digests does not change."""
    return View.of(texts.get("reader.language_chosen"))


def render_no_latest(*, is_there: bool, texts: Texts) -> View:
    """Nothing to show: there was no digest yet, or this reader leaves out all that `is_there`."""
    return View.of(texts.get("reader.nothing_of_yours" if is_there else "reader.nothing_yet"))


def render_asked_just_now(texts: Texts) -> View:
    """/latest was asked for again within seconds."""
    return View.of(texts.get("reader.asked_just_now"))


def render_forget_question(texts: Texts) -> View:
    yes = (texts.get("button.forget_me"), ForgetMe(sure=True))
    no = (texts.get("button.keep_me"), ForgetMe(sure=False))
    return View.of(texts.get("reader.forget"), buttons=buttons([[yes], [no]]))


def render_forgotten(*, is_done: bool, texts: Texts) -> View:
    return View.of(texts.get("reader.forgotten" if is_done else "reader.kept"))


def _when(bot: PublicBot, texts: Texts, now: datetime) -> str:
    spec = bot.spec
    if spec.schedule is None:
        return texts.get("reader.no_schedule")
    (due,) = next_due(spec.schedule, spec.timezone, now, 1)
    zone = "" if spec.timezone == "UTC" else f" ({spec.timezone})"
    return texts.get("reader.next", time=texts.moment(due, now, spec.timezone) + zone)
