"""Text within a limit: how long it is for Telegram, and its beginning where it is too long."""

from __future__ import annotations

ELLIPSIS = "…"
ZERO_WIDTH_JOINER = "\u200d"
WORD_BOUNDARY_WITHIN = 40


def units(text: str) -> int:
    """Its length as Telegram counts: in UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def clip(text: str, max_units: int) -> str:
    """The text, or its beginning with an ellipsis, in at most `max_units` UTF-16 units.

    Cut between words where one ends shortly before.
    """
    if units(text) <= max_units:
        return text
    kept = text.encode("utf-16-le")[: 2 * (max_units - 1)].decode("utf-16-le", errors="ignore")
    last_space = max(kept.rfind(" "), kept.rfind("\n"))
    if last_space > 0 and len(kept) - last_space <= min(WORD_BOUNDARY_WITHIN, len(kept) // 2):
        kept = kept[:last_space]
    return kept.rstrip().rstrip(ZERO_WIDTH_JOINER) + ELLIPSIS
