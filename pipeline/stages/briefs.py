"""What a public bot wants of its posts, for each kind of question; nothing in a brief that does not change answers."""

from __future__ import annotations

from pipeline.ports import Brief
from storage.records import PublicBotSpec


def categorization_brief(spec: PublicBotSpec) -> Brief:
    return Brief(spec.language, spec.categorization_prompt, spec.categories)


def summarization_brief(spec: PublicBotSpec) -> Brief:
    return Brief(spec.language, spec.summarization_prompt)
