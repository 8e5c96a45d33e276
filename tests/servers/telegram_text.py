"""Telegram's rules for texts, entities and keyboards, with the error texts of its servers.

Limits: https://core.telegram.org/bots/api#sendmessage; error texts: tdlib's MessageEntity.cpp and telegram-bot-api.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from itertools import accumulate

from .telegram_records import Json, bad_request

MAX_TEXT_UNITS = 4096
MAX_ENTITIES = 100
MAX_CALLBACK_DATA_BYTES = 64

HTML_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
}
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[^\s<>/]*)(?P<attributes>[^<>]*)(?P<close>>?)")
_HREF = re.compile(r"""href\s*=\s*["']([^"']*)["']""")
_HTML_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);")
_DETECTED = re.compile(
    r"(?P<url>https?://[^\s<>\"]*[\w/])"
    r"|(?<![\w/])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?)(?![\w/])"
    r"|(?<!\w)(?P<mention>@[A-Za-z]\w{3,31})"
    r"|(?<!\w)(?P<hashtag>#\w+)"
)


@dataclass(frozen=True)
class Formatted:
    """A text as Telegram stores it. `surplus` is the number of entities dropped beyond the hundredth."""

    text: str
    entities: list[Json]
    surplus: int


def utf16_length(text: str) -> int:
    """The length that Telegram counts, in UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def formatted(text: str, entities: list[Json], parse_mode: str | None) -> Formatted:
    """The text and entities of a message to be sent. Of the parse modes only HTML is known here.

    Raises:
        ApiError: Telegram would refuse them.
    """
    if parse_mode:
        if parse_mode.lower() != "html":
            raise bad_request("unsupported parse_mode")
        text, entities = _parsed_html(text)
    valid = _valid_entities(text, entities)
    text, valid = _trimmed(text, valid)
    if not text:
        raise bad_request("message text is empty")
    if utf16_length(text) > MAX_TEXT_UNITS:
        raise bad_request("message is too long")
    return Formatted(text, valid[:MAX_ENTITIES], surplus=max(0, len(valid) - MAX_ENTITIES))


def detected_entities(text: str) -> list[Json]:
    """What Telegram marks by itself in a text that a person typed: commands, addresses, mentions, hashtags."""
    return [
        {
            "type": str(found.lastgroup),
            "offset": utf16_length(text[: found.start()]),
            "length": utf16_length(found.group()),
        }
        for found in _DETECTED.finditer(text)
    ]


def checked_markup(markup: Json | None) -> Json | None:
    """The keyboard to keep with a message; None for an empty one.

    Raises:
        ApiError: a button that Telegram would refuse.
    """
    if not markup or "inline_keyboard" not in markup:
        return markup or None
    for row in markup["inline_keyboard"]:
        for button in row:
            _check_button(button)
    return markup if any(markup["inline_keyboard"]) else None


def _check_button(button: Json) -> None:
    actions = button.keys() - {"text", "style", "icon_custom_emoji_id"}
    if not button.get("text") or not actions:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= MAX_CALLBACK_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button and not re.match(r"(https?|tg)://.+", button["url"]):
        raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")


def _valid_entities(text: str, entities: list[Json]) -> list[Json]:
    boundaries = set(accumulate((utf16_length(character) for character in text), initial=0))
    length = utf16_length(text)
    valid = [entity for entity in entities if entity["length"] != 0]
    for entity in valid:
        offset, end = entity["offset"], entity["offset"] + entity["length"]
        if offset < 0 or entity["length"] < 0:
            raise bad_request(f"receive an entity with incorrect offset {offset} or length {entity['length']}")
        if end > length:
            raise bad_request(
                f"entity beginning at UTF-16 offset {offset} ends after the end of the text at UTF-16 offset {end}"
            )
        if not {offset, end} <= boundaries:
            raise bad_request(f"entity beginning at UTF-16 offset {offset} ends in a middle of a UTF-16 symbol")
    return sorted(valid, key=lambda entity: (entity["offset"], -entity["length"]))


def _trimmed(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Without the white space around the text; at its beginning only what no entity covers."""
    first = min((entity["offset"] for entity in entities), default=len(text))
    leading = min(len(text) - len(text.lstrip()), first)
    stripped = text[leading:].rstrip()
    length = utf16_length(stripped)
    moved = [{**entity, "offset": entity["offset"] - leading} for entity in entities]
    kept = [{**entity, "length": min(entity["length"], length - entity["offset"])} for entity in moved]
    return stripped, [entity for entity in kept if entity["length"] > 0]


def _parsed_html(markup: str) -> tuple[str, list[Json]]:
    text, position = "", 0
    open_tags: list[tuple[str, Json]] = []
    entities: list[Json] = []
    for tag in _TAG.finditer(markup):
        text += _unescaped(markup[position : tag.start()])
        position = tag.end()
        if tag["end"]:
            entity = _closed_tag(markup, tag, open_tags)
            entities.append({**entity, "length": utf16_length(text) - entity["offset"]})
        else:
            open_tags.append((tag["name"].lower(), _opened_tag(markup, tag, utf16_length(text))))
    if open_tags:
        raise bad_request(f"can't parse entities: Can't find end tag corresponding to start tag \"{open_tags[-1][0]}\"")
    text += _unescaped(markup[position:])
    # A link without an address is plain text.
    return text, [entity for entity in entities if entity["type"] != "text_link" or entity.get("url")]


def _opened_tag(markup: str, tag: re.Match[str], offset: int) -> Json:
    name, place = tag["name"].lower(), len(markup[: tag.start()].encode())
    if name not in HTML_TAGS:
        raise bad_request(f'can\'t parse entities: Unsupported start tag "{name}" at byte offset {place}')
    if not tag["close"]:
        raise bad_request(f"can't parse entities: Unclosed start tag at byte offset {place}")
    address = _HREF.search(tag["attributes"]) if name == "a" else None
    return {"type": HTML_TAGS[name], "offset": offset, **({"url": _unescaped(address[1])} if address else {})}


def _closed_tag(markup: str, tag: re.Match[str], open_tags: list[tuple[str, Json]]) -> Json:
    place = len(markup[: tag.start()].encode())
    if not open_tags:
        raise bad_request(f"can't parse entities: Unexpected end tag at byte offset {place}")
    name, entity = open_tags.pop()
    if tag["name"].lower() not in {name, ""}:
        expectation = f'expected "</{name}>", found "</{tag["name"]}>"'
        raise bad_request(f"can't parse entities: Unmatched end tag at byte offset {place}, {expectation}")
    return entity


def _unescaped(markup: str) -> str:
    return _HTML_ENTITY.sub(lambda found: html.unescape(found.group()), markup)
