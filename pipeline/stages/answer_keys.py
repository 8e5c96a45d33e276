"""Under what a model's answer about a post is kept: all that decides the answer, and nothing else."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from pipeline.ports import Brief, PostText
from pipeline.stages.instructions import CATEGORIZE, SUMMARIZE

_INSTRUCTIONS = blake2b(f"{CATEGORIZE}\0{SUMMARIZE}".encode()).hexdigest()


@lru_cache(maxsize=64)
def _in_words(brief: Brief) -> str:
    return repr(brief)


def answer_key(kind: str, model: str, brief: Brief, post: PostText) -> str:
    """The same for the same question about the same post to the same model, whatever else was in the batch."""
    seen = (kind, model, _INSTRUCTIONS, _in_words(brief), post.channel, post.published_at.isoformat(), post.text)
    return blake2b("\0".join(seen).encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()
