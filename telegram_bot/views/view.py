"""A message as it is to look, and the few pieces that every view is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, MessageEntity
from aiogram.utils.formatting import Code, Text

from pipeline.stages.display_text import clip, units
from pipeline.stages.plain_text import one_line, printable
from texts import Texts

MAX_UNITS = 4096
MAX_ENTITIES = 100
MAX_NAME = 80
MAX_BUTTON = 40
MAX_PARAMETER = 300

# Shown as code: Telegram would make links to the domain worker.sh out of them, and a tap copies them.
_COMMAND_LINE = re.compile(
    r"(\./run_(?:worker|bot)\.sh(?: --queues [a-z,]+)?|scripts/start_redis\.sh|python -m pipeline [^\n]+"
    r"|redis-cli CONFIG SET [a-z-]+ [a-z]+)"
)

Node = Text | str


@dataclass(frozen=True, slots=True)
class View:
    """A message's text, formatting and buttons, within Telegram's limits."""

    text: str
    entities: list[MessageEntity]
    reply_markup: InlineKeyboardMarkup | None = None

    @classmethod
    def of(cls, *nodes: Node, buttons: InlineKeyboardMarkup | None = None) -> View:
        """A view of these pieces, cleaned; what is too long is clipped."""
        text, entities = _cleaned(Text(*nodes)).render()
        kept = clip(text, MAX_UNITS)
        end = units(kept)
        inside = [entity for entity in entities if entity.offset + entity.length <= end]
        return cls(kept, inside[:MAX_ENTITIES], buttons)

    def as_kwargs(self) -> dict[str, Any]:
        """Arguments for send_message, answer and edit_message_text alike."""
        return {
            "text": self.text,
            "entities": self.entities,
            "reply_markup": self.reply_markup,
            "parse_mode": None,
            "link_preview_options": LinkPreviewOptions(is_disabled=True),
        }


def _cleaned(node: Text) -> Text:
    parts: list[Node] = []
    for part in node:
        parts += [_cleaned(part)] if isinstance(part, Text) else _with_code(printable(str(part)))
    return node.replace(*parts)


def _with_code(text: str) -> list[Node]:
    return [Code(part) if _COMMAND_LINE.fullmatch(part) else part for part in _COMMAND_LINE.split(text) if part]


def name(text: str) -> str:
    """Somebody's title as part of a sentence: one line, not too long."""
    return clip(one_line(text), MAX_NAME)


def in_words(message_id: str, params: Mapping[str, str | int], texts: Texts) -> str:
    """The sentence for an error or a failure; what others put into it is one line and not too long."""
    shown = {key: clip(one_line(v), MAX_PARAMETER) if isinstance(v, str) else v for key, v in params.items()}
    return texts.say(message_id, shown)


def lines(rows: Iterable[Node | None]) -> Text:
    """The rows below each other; None is left out."""
    nodes: list[Node] = []
    for row in rows:
        if row is not None:
            nodes += ["\n", row] if nodes else [row]
    return Text(*nodes)


def paragraphs(blocks: Iterable[Node | None]) -> Text:
    """The blocks with an empty line between them; None is left out."""
    nodes: list[Node] = []
    for block in blocks:
        if block is not None:
            nodes += ["\n\n", block] if nodes else [block]
    return Text(*nodes)


def buttons(rows: Sequence[Sequence[tuple[str, CallbackData]]]) -> InlineKeyboardMarkup:
    """Buttons in rows, each a label and what it says when pressed."""
    return InlineKeyboardMarkup(
        inline_keyboard=[
            [
                InlineKeyboardButton(text=clip(one_line(label), MAX_BUTTON), callback_data=data.pack())
                for label, data in row
            ]
            for row in rows
        ]
    )
