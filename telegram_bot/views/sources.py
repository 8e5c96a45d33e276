"""/sources, and the question whether a channel is to become one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aiogram.utils.formatting import Bold, Text

from storage.records import SourceKind, SourceOverview
from telegram_bot.callbacks import AddSource
from telegram_bot.views.view import Node, View, buttons, lines, name, paragraphs
from texts import Texts

MAX_SOURCES = 40


def render_sources(overviews: Sequence[SourceOverview], *, texts: Texts, now: datetime) -> View:
    """All sources with their number of posts and the last one's age; without any, how to add one."""
    how_to_add = texts.get("sources.how_to_add")
    if not overviews:
        return View.of(paragraphs([texts.get("sources.none"), how_to_add]))
    shown: list[Node] = [source_in_words(overview, texts, now) for overview in overviews[:MAX_SOURCES]]
    if hidden := len(overviews) - len(shown):
        shown.append(texts.plural("sources.more", hidden))
    heading = Bold(texts.plural("sources.title", len(overviews)))
    return View.of(paragraphs([lines([heading, *shown]), how_to_add]))


def source_in_words(overview: SourceOverview, texts: Texts, now: datetime) -> Node:
    """A line of a list: its title and name, how many posts it has and how old the last one is."""
    source = overview.source
    kind = texts.get("sources.channel") if source.kind is SourceKind.CHANNEL else texts.get("sources.file")
    if overview.last_post_at is None:
        posts = texts.get("sources.no_posts")
    else:
        count, ago = texts.plural("count.posts", overview.posts), texts.ago(overview.last_post_at, now)
        posts = texts.get("sources.posts", count=count, ago=ago)
    return Text("• ", Bold(name(source.title) or source.name), f" ({name(source.name)}, {kind}): {posts}")


def render_source_offer(title: str, chat_id: int, *, texts: Texts) -> View:
    """Asked of the operator who made the bot an administrator of a channel."""
    yes = (texts.get("button.add_source"), AddSource(chat_id=chat_id, add=True))
    no = (texts.get("button.leave_source"), AddSource(chat_id=chat_id, add=False))
    return View.of(texts.get("sources.offer", title=name(title)), buttons=buttons([[yes, no]]))


def render_source_added(title: str, source_name: str, *, texts: Texts) -> View:
    """`source_name` is how a bots file names it."""
    return View.of(texts.get("sources.added", title=name(title), name=source_name))


def render_source_declined(title: str, *, texts: Texts) -> View:
    return View.of(texts.get("sources.declined", title=name(title)))
