"""A digest of the old program: the posts in it and their categories, from JSON or from its text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.sources.predecessor import names
from pipeline.sources.predecessor.tree import load
from pipeline.sources.reading import BrokenFile
from pipeline.sources.visible_text import bare_links, visible_text
from storage.records import PostReference

CATEGORY = ("category", "topic", "section", "rubric", "label")
CONTENTS = ("items", "posts", "sections", "digest", "digests", "data", "categories", "links", "messages")
MARKUP = re.compile(r"<[^>]{1,500}>")
RULE = re.compile(r"[─=—_-]{3,}")
HREF = re.compile(r"""href=["']([^"']+)["']""", re.IGNORECASE)
LONGEST_HEADING = 80


@dataclass(frozen=True, slots=True)
class OldDigest:
    """The posts of a digest in its order, each with its category where the file says one."""

    items: tuple[tuple[PostReference, str | None], ...]


def read_digest(path: Path) -> OldDigest:
    """A digest as a JSON list of links, ids or objects, as an object of categories, or as the text that was sent.

    Raises:
        BrokenFile: it cannot be read, or no post is in it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenFile(path.name, f"cannot be read: {error}") from None
    found = _walk(load(path), None) if text.startswith(("{", "[")) and path.suffix != ".md" else _of_text(text)
    items = tuple(dict.fromkeys(found))
    if not items:
        raise BrokenFile(path.name, "has no links and no ids of posts in it")
    return OldDigest(items)


def _walk(node: object, category: str | None) -> Iterator[tuple[PostReference, str | None]]:
    if isinstance(node, list):
        for one in node:
            yield from _walk(one, category)
    elif isinstance(node, dict):
        yield from _object(node, category)
    elif isinstance(node, str | int) and not isinstance(node, bool):
        if links := bare_links(str(node)):
            yield from ((_linked(link), category) for link in links)
        elif (found := names.split_id(node))[1]:
            yield PostReference(id=found[1], channel=found[0]), category


def _object(node: Mapping[str, Any], category: str | None) -> Iterator[tuple[PostReference, str | None]]:
    own = names.first(node, (*CATEGORY, "name", "title"))
    contents = next((node[key] for key in CONTENTS if isinstance(node.get(key), list | dict)), None)
    if contents is not None:
        is_section = names.first(node, CATEGORY) is not None or ("items" in node and "sections" not in node)
        yield from _walk(contents, str(own) if is_section and isinstance(own, str) else category)
    elif names.first(node, names.URL) or names.first(node, names.ID) is not None:
        yield _reference(node), next((str(node[key]) for key in CATEGORY if node.get(key)), category)
    else:
        for name, one in node.items():
            if isinstance(one, list | dict):
                yield from _walk(one, str(name))


def _reference(node: Mapping[str, Any]) -> PostReference:
    url, own = names.first(node, names.URL), names.first(node, names.ID)
    channel, number = names.split_id(own)
    return PostReference(
        id=number or (str(own) if own is not None else None),
        channel=names.channel_name(names.first(node, names.CHANNEL)) or channel,
        url=url if isinstance(url, str) else None,
    )


def _linked(link: str) -> PostReference:
    channel, number = names.split_id(link)
    return PostReference(id=number, channel=channel, url=link)


def _of_text(text: str) -> Iterator[tuple[PostReference, str | None]]:
    """The links of a text; a heading ends with a colon, begins with #, is bold, or stands above a rule."""
    category, lines = None, text.splitlines()
    for number, line in enumerate(lines):
        links = [*HREF.findall(line), *bare_links(HREF.sub("", line))]
        following = lines[number + 1].strip() if number + 1 < len(lines) else ""
        if not links and (heading := _heading(line.strip(), following)):
            category = heading
        yield from ((_linked(link), category) for link in links)


def _heading(line: str, following: str) -> str | None:
    is_bold = re.fullmatch(r"(\*\*|__|\*)[^*_]+\1|<b>.+</b>|<h\d>.+</h\d>", line) is not None
    if not (is_bold or line.startswith("#") or line.endswith(":") or RULE.fullmatch(following)) or RULE.fullmatch(line):
        return None
    heading = visible_text(MARKUP.sub("", line).strip("#*_: "))
    return heading if 0 < len(heading) <= LONGEST_HEADING else None
