"""What a model answered: parsed and checked item by item, so that one bad item costs nothing but itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pipeline.stages.answer_json import answer_entries
from pipeline.stages.links import without_links
from pipeline.stages.plain_text import one_line
from pipeline.stages.prompting import NO_CATEGORY
from pipeline.stages.sentences import clip, split_sentences
from storage.records import Category, Summary, Verdict

MAX_HEADLINE_CHARS = 200
MAX_SUMMARY_CHARS = 1000
MAX_REASON_CHARS = 300
MAX_RAW_CHARS = 5 * MAX_SUMMARY_CHARS

T = TypeVar("T")

_IMPORTANCE = re.compile(r"\s*([1-5])(?:\.0+)?\s*")
_INLINE_TAG = re.compile(r"</?(?:a|b|code|em|i|s|span|strong|u)(?:\s[^<>]*)?>", re.IGNORECASE)
_BLOCK_TAG = re.compile(r"</?(?:br|div|h[1-6]|li|p|pre|ul)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_LINK = re.compile(r"!?\[([^\[\]]+)\]\([^()\s]*\)")
_BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_LINE_MARK = re.compile(r"^(?:#{1,6}|[-*•>])\s+")
_WRAPPERS = ("```", "***", "___", "**", "__", "*", "_", "`", '"', "'")


class _BadItem(Exception):
    """The message says what is wrong with one item."""


def parse_verdicts(
    content: str, keys: Sequence[str], categories: Sequence[Category]
) -> tuple[dict[str, Verdict], dict[str, str]]:
    """The good verdicts and, for every other key, what is wrong with its answer.

    Args:
        content: the model's whole text: a JSON object, perhaps in a code fence, with text around it, or cut off.
        keys: the keys that were asked for; what is answered for others is ignored.
        categories: the categories that are allowed besides "none", whatever the case of their letters.
    """
    names = {NO_CATEGORY: None} | {_folded(category.name): category.name for category in categories}
    return _parsed(content, keys, lambda item: _verdict(item, names))


def parse_summaries(content: str, keys: Sequence[str]) -> tuple[dict[str, Summary], dict[str, str]]:
    """The good summaries and, for every other key, what is wrong with its answer; see `parse_verdicts`.

    Headlines and summaries come as plain text on one line, at most 200 and 1000 characters long.
    """
    return _parsed(content, keys, _summary)


def _parsed(content: str, keys: Sequence[str], read: Callable[[Any], T]) -> tuple[dict[str, T], dict[str, str]]:
    entries = answer_entries(content, keys)
    if entries is None:
        return {}, dict.fromkeys(keys, "the answer is not JSON")
    items: dict[str, T] = {}
    problems: dict[str, str] = {}
    for key in keys:
        answers = [value for name, value in entries if name == key]
        try:
            items[key] = read(_only(answers))
        except _BadItem as error:
            problems[key] = str(error)
    return items, problems


def _only(answers: Sequence[Any]) -> Any:
    if not answers:
        raise _BadItem("no answer for this post")
    if len(answers) > 1:
        raise _BadItem("several answers for this post")
    if not isinstance(answers[0], dict):
        raise _BadItem("the answer is not an object")
    return answers[0]


def _verdict(item: dict[str, Any], names: dict[str, str | None]) -> Verdict:
    category = item.get("category")
    if not isinstance(category, str):
        raise _BadItem("the category is missing")
    if _folded(category) not in names:
        raise _BadItem(f"unknown category {clip(one_line(category), 60)!r}")
    reason = item.get("reason")
    return Verdict(
        category=names[_folded(category)],
        importance=_importance(item.get("importance")),
        reason=clip(one_line(without_links(reason)), MAX_REASON_CHARS) if isinstance(reason, str) else "",
    )


def _importance(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _BadItem("the importance is missing")
    match = _IMPORTANCE.fullmatch(value) if isinstance(value, str) else None
    number = int(match.group(1)) if match else value
    if isinstance(number, str) or number not in range(1, 6):
        raise _BadItem("the importance is not an integer from 1 to 5")
    return int(number)


def _summary(item: dict[str, Any]) -> Summary:
    headline = _plain(item.get("headline"))
    if not headline:
        raise _BadItem("the headline is missing")
    text = item.get("summary")
    if not isinstance(text, str):
        raise _BadItem("the summary is missing")
    return Summary(
        headline=clip(headline, MAX_HEADLINE_CHARS), text=_clip_to_sentences(_plain(text), MAX_SUMMARY_CHARS)
    )


def _plain(value: Any) -> str:
    """One line of text without the markup that models like to add; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    text = _BLOCK_TAG.sub("\n", _INLINE_TAG.sub("", value[:MAX_RAW_CHARS]))
    text = _BOLD.sub(r"\1", _LINK.sub(r"\1", text))
    text = one_line("\n".join(_LINE_MARK.sub("", line.strip()) for line in text.splitlines()))
    for wrapper in _WRAPPERS:
        inner = text[len(wrapper) : -len(wrapper)]
        if len(text) > 2 * len(wrapper) and text == wrapper + inner + wrapper and wrapper not in inner:
            text = inner.strip()
    return text


def _clip_to_sentences(text: str, max_chars: int) -> str:
    if len(text) <= max_chars:
        return text
    kept = ""
    for sentence in split_sentences(text):
        if len(kept) + 1 + len(sentence) > max_chars:
            break
        kept = f"{kept} {sentence}".strip()
    return kept if len(kept) >= max_chars // 2 else clip(text, max_chars)


def _folded(name: str) -> str:
    return " ".join(one_line(name).casefold().split())
