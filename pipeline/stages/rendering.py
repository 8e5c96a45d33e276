"""A digest as Telegram messages. Formatting is entities only: no text of a post or a model can become markup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aiogram.types import LinkPreviewOptions, MessageEntity
from aiogram.utils.formatting import Bold, Code, Italic, Text, TextLink

from pipeline.stages.display_text import clip, units
from pipeline.stages.links import defused, host_of, links_in, safe_link, shows_another_host
from pipeline.stages.plain_text import one_line, paragraph
from storage.records import Digest, DigestItem
from texts import Texts

# https://core.telegram.org/bots/api#sendmessage and https://limits.tginfo.me: what goes beyond is refused or dropped.
MAX_UNITS = 4096
MAX_ENTITIES = 100

FOOTER_UNITS = 20
FOOTER_ENTITIES = 1
# Chosen so that title, period, heading, one item and note fit into one message, whatever their lengths were.
MAX_TITLE, MAX_CATEGORY, MAX_HEADLINE, MAX_SUMMARY, MAX_SOURCE, MAX_NOTE = 200, 100, 300, 2400, 100, 500


@dataclass(frozen=True, slots=True)
class Message:
    """One message: text of at most 4096 UTF-16 units, and at most 100 entities. Sent without a parse mode."""

    text: str
    entities: list[MessageEntity]

    def as_kwargs(self) -> dict[str, Any]:
        """Arguments for send_message."""
        return {
            "text": self.text,
            "entities": self.entities,
            "parse_mode": None,
            "link_preview_options": LinkPreviewOptions(is_disabled=True),
        }


@dataclass(frozen=True, slots=True)
class _Block:
    """What is never split between messages, with its size."""

    node: Text
    units: int
    entities: int

    @classmethod
    def of(cls, *nodes: Text | str) -> _Block:
        node = Text(*nodes)
        text, entities = node.render()
        return cls(node, units(text), len(entities))


@dataclass(slots=True)
class _Part:
    """A message in the making: blocks with an empty line between them."""

    blocks: list[_Block] = field(default_factory=list)

    def has_room_for(self, *blocks: _Block) -> bool:
        together = [*self.blocks, *blocks]
        size = sum(block.units for block in together) + 2 * (len(together) - 1)
        entities = sum(block.entities for block in together)
        return size <= MAX_UNITS - FOOTER_UNITS and entities <= MAX_ENTITIES - FOOTER_ENTITIES

    def message(self, footer: str) -> Message:
        nodes: list[Text | str] = []
        for block in self.blocks:
            nodes += [block.node, "\n\n"]
        nodes = [*nodes, Italic(footer)] if footer else nodes[:-1]
        text, entities = Text(*nodes).render()
        return Message(text, entities)


def render_digest(digest: Digest, texts: Texts, note: str | None = None) -> list[Message]:
    """The digest as messages to be sent in this order, split between items.

    A category that goes on in another message has its heading repeated there; `note` closes the last message.
    """
    closing = [_Block.of(Italic(clip(one_line(note), MAX_NOTE)))] if note else []
    parts = [_Part([_header(digest, texts)])]
    if not digest.items:
        nothing = texts.get("digest.quiet") if digest.is_quiet else texts.get("digest.nothing")
        parts[0].blocks += [_Block.of(nothing), *closing]
    for heading, again, item, is_last in _steps(digest, texts):
        tail = closing if is_last else []
        blocks = [*([heading] if heading else []), item, *tail]
        if not parts[-1].has_room_for(*blocks):
            parts.append(_Part())
            blocks = [heading or again, item, *tail]
        parts[-1].blocks += blocks
    total = len(parts)
    return [part.message(f"{number}/{total}" if total > 1 else "") for number, part in enumerate(parts, start=1)]


def _steps(digest: Digest, texts: Texts) -> Iterator[tuple[_Block | None, _Block, _Block, bool]]:
    """For each item: its heading where it is the first of its category, the heading to repeat, itself, and whether it
    is the digest's last."""
    left = len(digest.items)
    for section in digest.sections:
        category = clip(one_line(section.category), MAX_CATEGORY)
        heading = _Block.of(Bold(category))
        again = _Block.of(Bold(category), " ", Italic(texts.get("digest.continued")))
        for position, item in enumerate(section.items):
            left -= 1
            yield (heading if position == 0 else None), again, _item(item), left == 0


def _header(digest: Digest, texts: Texts) -> _Block:
    title = clip(one_line(digest.title), MAX_TITLE) or digest.bot_slug
    return _Block.of(Bold(title), "\n", texts.period(digest.period.start, digest.period.end, digest.timezone))


def _item(item: DigestItem) -> _Block:
    url = safe_link(item.url)
    headline = clip(defused(one_line(item.headline)), MAX_HEADLINE)
    summary = clip(defused(paragraph(item.text)), MAX_SUMMARY)
    source = clip(one_line(item.source_title), MAX_SOURCE)
    lines: list[list[Text | str]] = []
    if headline:
        lines.append(["• ", Bold(_headline(headline, url))])
    if summary and summary != headline:
        lines.append([summary if headline else f"• {summary}"])
    if source:
        lines[-1:] = [[*lines[-1], " — ", *_source(source, url)]] if lines else [["• ", *_source(source, url)]]
    nodes = [node for line in lines for node in ("\n", *line)][1:]
    return _Block.of(*nodes)


def _headline(headline: str, url: str | None) -> Text:
    return TextLink(headline, url=url) if url and not shows_another_host(headline, url) else Text(headline)


def _source(title: str, url: str | None) -> list[Text | str]:
    """The title with the post behind it. A title that is somebody else's address cannot be pressed: its post's host is
    shown beside it."""
    if url and not shows_another_host(title, url):
        return [TextLink(title, url=url)]
    shown = Code(title) if links_in(title) else Text(title)
    return [shown, " (", TextLink(host_of(url), url=url), ")"] if url else [shown]
