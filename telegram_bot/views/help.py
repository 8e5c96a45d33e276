"""/start, /help, the command menu, and the one line for strangers."""

from __future__ import annotations

from aiogram.types import BotCommand
from aiogram.utils.formatting import Bold

from telegram_bot.views.view import View, lines, paragraphs
from texts import Texts

# command, what may follow it, what it does
COMMANDS = (
    ("digest", "command.digest.arguments", "command.digest"),
    ("status", "command.status.arguments", "command.status"),
    ("cancel", "command.cancel.arguments", "command.cancel"),
    ("errors", None, "command.errors"),
    ("retry", "command.retry.arguments", "command.retry"),
    ("bots", None, "command.bots"),
    ("subscribers", "command.subscribers.arguments", "command.subscribers"),
    ("schedule", "command.schedule.arguments", "command.schedule"),
    ("sources", None, "command.sources"),
    ("health", None, "command.health"),
    ("selftest", None, "command.selftest"),
    ("help", None, "command.help"),
)


def command_menu(texts: Texts) -> list[BotCommand]:
    """The menu that Telegram shows to operators."""
    return [BotCommand(command=command, description=texts.get(purpose)) for command, _, purpose in COMMANDS]


def render_start(texts: Texts) -> View:
    """What an operator reads first."""
    return View.of(paragraphs([Bold(texts.get("start.title")), texts.get("start.text"), _commands(texts)]))


def render_help(texts: Texts) -> View:
    """All commands with an example, and how periods are written."""
    return View.of(
        paragraphs(
            [
                Bold(texts.get("help.title")),
                _commands(texts),
                texts.get("help.periods"),
                texts.get("help.example"),
            ]
        )
    )


def render_stranger(user_id: int, *, texts: Texts) -> View:
    """The one polite line for anybody who is no operator."""
    return View.of(texts.get("stranger", id=user_id))


def _commands(texts: Texts) -> str:
    rows = []
    for command, arguments, purpose in COMMANDS:
        usage = f"/{command} {texts.get(arguments)}" if arguments else f"/{command}"
        rows.append(f"{usage} — {texts.get(purpose)}")
    text, _ = lines(rows).render()
    return text
