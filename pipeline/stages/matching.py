"""Which of our posts somebody else means."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from storage.records import KnownPost, PostReference

SCHEME = re.compile(r"^https?://(?:www\.)?", re.IGNORECASE)
TELEGRAM = re.compile(r"^(?:t|telegram)\.me/(?:s/)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Match:
    """Our posts that are meant; none, where several different ones might be, which `is_ambiguous` says."""

    ids: tuple[int, ...] = ()
    is_ambiguous: bool = False


class Index:
    """Finds posts by link, by channel and id, by id alone where only one post has it, and by text."""

    def __init__(self, posts: Iterable[KnownPost]) -> None:
        self.posts: dict[int, KnownPost] = {}
        self._channels: set[str] = set()
        self._of_url: defaultdict[str, list[int]] = defaultdict(list)
        self._of_channel: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._of_id: defaultdict[str, list[int]] = defaultdict(list)
        self._of_text: defaultdict[str, list[int]] = defaultdict(list)
        for post in posts:
            self._enter(post)

    def _enter(self, post: KnownPost) -> None:
        self.posts[post.id] = post
        channel, _, number = post.external_id.rpartition("/")
        if post.url:
            self._of_url[comparable_url(post.url)].append(post.id)
        names = [channel] if channel else [post.source, post.username, post.home_channel]
        channels = {name.casefold() for name in names if name}
        self._channels |= channels
        for name in channels:
            self._of_channel[name, number].append(post.id)
        self._of_id[number].append(post.id)
        self._of_text[post.text_hash].append(post.id)

    def has_channel(self, name: str) -> bool:
        return name.casefold() in self._channels

    def find(self, reference: PostReference, text_hash: Callable[[str], str]) -> Match:
        """`text_hash` is the one that the posts' texts were hashed with."""
        if reference.url and (found := self._of_url.get(comparable_url(reference.url))):
            return Match(tuple(found))
        if reference.id and reference.channel:
            if found := self._of_channel.get((reference.channel, reference.id)):
                return Match(tuple(found))
        elif reference.id and (found := self._of_id.get(reference.id)):
            return Match(tuple(found)) if len(found) == 1 else Match(is_ambiguous=True)
        if reference.text and (found := self._of_text.get(text_hash(reference.text))):
            return Match(tuple(found))
        return Match()


def comparable_url(url: str) -> str:
    """The same for addresses that show the same post."""
    address = SCHEME.sub("", url.strip()).partition("#")[0].rstrip("/")
    if TELEGRAM.match(address):
        return "t.me/" + TELEGRAM.sub("", address).partition("?")[0].rstrip("/").casefold()
    host, slash, path = address.partition("/")
    return host.casefold() + slash + path
