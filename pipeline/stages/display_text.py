"""Other people's text made fit to be shown: what may not be shown is taken out, what is too long is clipped."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

ELLIPSIS = "…"
ZERO_WIDTH_JOINER = "\u200d"
WORD_BOUNDARY_WITHIN = 40

# Bidirectional overrides and isolates reorder what stands beside them; control characters drive terminals; half a
# surrogate pair cannot be encoded.
_NOT_SHOWN = re.compile("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_BREAKS = re.compile("[ \t]*[\n\u2028\u2029][\\s]*")
_NOT_IN_A_LINK = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff]")


def clean(text: str) -> str:
    """The text without direction overrides, control characters and broken surrogates; all else stays as it is."""
    return _NOT_SHOWN.sub("", text)


def one_line(text: str) -> str:
    """Clean, without line breaks and surrounding white space."""
    return _LINE_BREAKS.sub(" ", clean(text).replace("\t", " ")).strip()


def paragraph(text: str) -> str:
    """Clean, with single line breaks at most and without surrounding white space."""
    return _LINE_BREAKS.sub("\n", clean(text)).strip()


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


def safe_link(url: str | None) -> str | None:
    """The url where it is http or https and nothing in it hides; else None."""
    if not url or _NOT_IN_A_LINK.search(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None
