"""Posts to measure with: those of samples/, in two languages and as long as channels write them, again and again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from zlib import crc32

from pipeline.sources.files import open_posts
from pipeline.stages.orders import speaks_to_models
from settings import HOME
from storage.records import IncomingPost

FILES = ("posts_en.jsonl", "posts_ru.jsonl")
SENTENCE = re.compile(r"\A|(?<=[.!?…])\s+|\n+")
HOURS = 10  # before noon, over which they are spread
LEAST_IMPORTANCE = 2  # what the model server rates lower is in no digest


def many_posts(number: int, noon: datetime) -> list[IncomingPost]:
    """So many posts with different texts. None of them gives orders to models, which would be asked for alone, and none
    is unimportant to the model server: where a digest has room for all, each is summarized."""
    texts = _texts()
    return [
        IncomingPost(
            external_id=str(index),
            published_at=noon - timedelta(seconds=1 + index * 3600 * HOURS / number),
            text=next(texts),
            url=f"https://example.org/{index}",
        )
        for index in range(number)
    ]


def _texts() -> Iterator[str]:
    samples = {
        post.text.strip()
        for name in FILES
        for post in open_posts(HOME / "samples" / name)
        if isinstance(post, IncomingPost) and not speaks_to_models(post.text)
    }
    for edition in count(1):
        for sample in sorted(samples):
            text = SENTENCE.sub(rf"\g<0>[{edition}] ", sample)  # no two headlines or summaries are the same
            if 1 + crc32(text.encode()) // 7 % 5 >= LEAST_IMPORTANCE:
                yield text
