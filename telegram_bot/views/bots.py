"""/bots: the list of public bots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aiogram.types import InlineKeyboardMarkup
from aiogram.utils.formatting import Bold, Text

from storage.records import BotOverview
from telegram_bot.callbacks import ShowBot, ShowBots
from telegram_bot.views.view import Node, View, buttons, lines, name, paragraphs
from texts import Texts

PAGE = 8
OTHER_WAY = {-1: "‹", 1: "›"}


def render_bots(overviews: Sequence[BotOverview], page: int, *, texts: Texts, now: datetime) -> View:
    """A page of the list, from 0, with a button for each bot's details; beyond the last page it is that one."""
    pages = -(-len(overviews) // PAGE)
    page = min(page, pages - 1)
    shown = overviews[page * PAGE : (page + 1) * PAGE]
    where = texts.get("console.page", page=page + 1, pages=pages) if pages > 1 else None
    heading = lines([Bold(texts.plural("console.title", len(overviews))), where])
    bots = [lines([bot_heading(one), *bot_state(one, texts, now)]) for one in shown]
    return View.of(paragraphs([heading, *bots]), buttons=_details(shown, page, pages))


def bot_heading(overview: BotOverview) -> Node:
    """Its title, what commands call it, and its name in Telegram."""
    bot = overview.bot
    username = f", @{bot.username}" if bot.username else ""
    return Text(Bold(name(bot.title) or bot.slug), f" ({bot.slug}{username})")


def bot_state(overview: BotOverview, texts: Texts, now: datetime) -> list[Node]:
    """Whether it serves readers, what keeps it from that, and when its next digest is due."""
    bot, timezone = overview.bot, overview.bot.spec.timezone
    rows: list[Node] = [_service(overview, texts)]
    if overview.readers and (bot.is_paused or bot.token_fault is not None):
        rows.append(texts.plural("count.readers", overview.readers))
    if bot.parked_until is not None and bot.parked_until > now:
        rows.append(f"⏳ {texts.get('console.parked', time=texts.moment(bot.parked_until, now, timezone))}")
    if overview.next_digest_at is not None:
        rows.append(texts.get("console.next", time=texts.moment(overview.next_digest_at, now, timezone)))
    return rows


def _service(overview: BotOverview, texts: Texts) -> str:
    bot = overview.bot
    if bot.is_paused:
        return f"⏸ {texts.get('console.paused')}"
    if not bot.has_token:
        return texts.get("console.operators_only")
    if bot.token_fault is not None:
        return f"⚠️ {texts.say(bot.token_fault, {})}"
    if bot.telegram_id is None:
        return texts.get("console.not_tried")
    return texts.plural("console.serves", overview.readers)


def _details(shown: Sequence[BotOverview], page: int, pages: int) -> InlineKeyboardMarkup:
    rows: list[list[tuple[str, ShowBot | ShowBots]]] = [
        [(name(one.bot.title) or one.bot.slug, ShowBot(bot_id=one.bot.id, page=page))] for one in shown
    ]
    turns = [(sign, ShowBots(page=page + step)) for step, sign in OTHER_WAY.items() if 0 <= page + step < pages]
    return buttons([*rows, turns] if turns else rows)
