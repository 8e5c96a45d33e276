"""Which parts of a digest a reader gets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from storage.records import Digest


def without(digest: Digest, left_out: Collection[str]) -> Digest:
    """The digest without the sections of these categories, in its order."""
    sections = tuple(section for section in digest.sections if section.category not in left_out)
    return replace(digest, sections=sections)
