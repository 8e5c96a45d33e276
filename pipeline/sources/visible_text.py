"""What a reader sees of a post: its text in one normal form, and the web links in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import urlsplit

MAX_LINK = 2048
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
BLANK_LINES = re.compile(r"\n{4,}")
BARE_LINK = re.compile(r"https?://[^\s<>\"«»“”„]+", re.IGNORECASE)
WEB_LINK = re.compile(r"https?://[^\s\x00-\x1f]+", re.IGNORECASE)
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?://|[^0-9])", re.IGNORECASE)
INVISIBLE = "\u00ad\u115f\u1160\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2800\u3164\ufe0f\ufeff"
SPACE_AND_INVISIBLE = INVISIBLE + " \t\n\u00a0\u202f\u2003\u3000"


def visible_text(raw: str) -> str:
    """The text in NFC, without control characters except line feed and tab, without spaces at the end of lines, with at
    most two blank lines in a row. Empty where nothing in it can be seen.
    """
    if not raw:
        return ""
    text = raw.replace("\r\n", "\n").replace("\r", "\n") if "\r" in raw else raw
    text = unicodedata.normalize("NFC", CONTROL.sub("", text))
    text = "\n".join([line.rstrip() for line in text.split("\n")])
    text = BLANK_LINES.sub("\n\n\n", text).strip()
    return text if text.strip(SPACE_AND_INVISIBLE) else ""


def bare_links(text: str) -> list[str]:
    """The web addresses that stand in a text, without the punctuation behind them."""
    return [_without_punctuation(match) for match in BARE_LINK.findall(text)] if "://" in text else []


def with_scheme(address: str) -> str:
    """An address as Telegram opens it when a post says only `t.me/name`."""
    return address if SCHEME.match(address) else f"https://{address}"


def web_links(addresses: Iterable[str]) -> tuple[str, ...]:
    """The http and https addresses among these, each once, in their order."""
    return tuple(dict.fromkeys(link for address in addresses if (link := web_link(address))))


def web_link(address: object) -> str | None:
    """The address where it is a whole http or https one, else None."""
    if not isinstance(address, str) or len(address) > MAX_LINK:
        return None
    address = address.strip()
    if not WEB_LINK.fullmatch(address):
        return None
    try:
        return address if urlsplit(address).hostname else None
    except ValueError:
        return None


def _without_punctuation(link: str) -> str:
    link = link.rstrip(".,;:!?'*_~`|")
    while link.endswith((")", "]")) and link.count(link[-1]) > link.count({")": "(", "]": "["}[link[-1]]):
        link = link[:-1].rstrip(".,;:!?'*_~`|")
    return link
