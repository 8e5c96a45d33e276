"""What a public bot wants of its posts, for each kind of question; nothing in a brief that does not change answers."""

from __future__ import annotations

from pipeline.ports import Brief
from storage.records import PublicBotSpec, Wishes


def categorization_brief(wishes: PublicBotSpec | Wishes) -> Brief:
    return Brief(wishes.language, wishes.categorization_prompt, wishes.categories)


def summarization_brief(wishes: PublicBotSpec | Wishes) -> Brief:
    return Brief(wishes.language, wishes.summarization_prompt)
