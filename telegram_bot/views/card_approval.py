"""The card of a digest that waits for an operator's word."""

from __future__ import annotations

from enum import Enum, auto

from aiogram.types import InlineKeyboardMarkup

from pipeline.stages.delivery import needs_approval
from pipeline.stages.funnel import Funnel, funnel
from storage.records import RunProgress
from telegram_bot.callbacks import DecideDraft, DraftAction
from telegram_bot.views.card_ending import funnel_in_words
from telegram_bot.views.view import Node, buttons, lines, paragraphs
from texts import Texts


class Draft(Enum):
    """Where the draft is, seen from its card."""

    FOLLOWS = auto()
    ABOVE = auto()
    ELSEWHERE = auto()


def awaiting(progress: RunProgress, texts: Texts, draft: Draft) -> Node:
    """Where the draft is, whom it would go to, and why it waits."""
    numbers = funnel(progress.posts)
    if draft is Draft.FOLLOWS:
        return f"✋ {texts.get('approval.follows')}"
    where = texts.get("approval.above") if draft is Draft.ABOVE else texts.get("approval.elsewhere")
    return paragraphs(
        [
            lines([f"✋ {where}", _readers(progress.readers, texts), _why(numbers, texts)]),
            funnel_in_words(numbers, texts),
        ]
    )


def decisions(progress: RunProgress, texts: Texts) -> InlineKeyboardMarkup:
    """What can be done with the draft."""
    run_id = progress.run.id

    def button(label: str, action: DraftAction) -> tuple[str, DecideDraft]:
        return label, DecideDraft(run_id=run_id, action=action)

    return buttons(
        [
            [button(texts.plural("button.publish", progress.readers), DraftAction.PUBLISH)],
            [button(texts.get("button.preview"), DraftAction.PREVIEW)],
            [
                button(texts.get("button.regenerate"), DraftAction.REGENERATE),
                button(texts.get("button.discard"), DraftAction.DISCARD),
            ],
        ]
    )


def _readers(readers: int, texts: Texts) -> str:
    return texts.plural("approval.readers", readers) if readers else texts.get("approval.no_readers")


def _why(numbers: Funnel, texts: Texts) -> str:
    if needs_approval(False, numbers.distinct, numbers.set_aside):
        return texts.plural("approval.set_aside", numbers.set_aside, total=texts.number(numbers.distinct))
    return texts.get("approval.wanted")
