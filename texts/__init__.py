"""Every sentence a person can read, keyed by message id. A leaf: it knows languages and nothing of us."""

from __future__ import annotations

from texts.catalogue import LANGUAGES, Texts

__all__ = ["LANGUAGES", "Texts"]
