"""Finished digests, and the cards that follow a run."""

from __future__ import annotations

from dataclasses import dataclass

from storage.records.runs import Period


@dataclass(frozen=True, slots=True)
class DigestItem:
    post_id: int
    headline: str
    text: str
    url: str | None
    source_title: str


@dataclass(frozen=True, slots=True)
class DigestSection:
    category: str
    items: tuple[DigestItem, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """The finished product of a run. `period` is shown in `timezone` (an IANA name). One that `is_quiet` has no items:
    it says that there was little to tell."""

    run_id: int
    bot_slug: str
    title: str
    language: str
    timezone: str
    period: Period
    sections: tuple[DigestSection, ...]
    id: int = 0
    is_quiet: bool = False

    @property
    def items(self) -> tuple[DigestItem, ...]:
        return tuple(item for section in self.sections for item in section.items)


@dataclass(frozen=True, slots=True)
class Card:
    """The one message in a chat that follows a run. `parts_sent` counts the messages of the digest sent under it;
    `part_in_doubt` is the part whose sending began and was never confirmed; a card with the question whether to publish
    stands `is_below_draft`."""

    id: int
    run_id: int
    chat_id: int
    message_id: int | None
    language: str
    shown_version: int
    parts_sent: int
    part_in_doubt: int | None
    is_final: bool
    is_gone: bool
    is_below_draft: bool = False
