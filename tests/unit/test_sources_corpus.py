"""Files that nobody here wrote, counted by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pipeline.sources import LeftOut, Reason
from pipeline.sources.files import open_posts
from storage.records import IncomingPost

COUNTS = {
    "telegram_desktop/guzelskie_perezalivy_ru/result.json": (138, {Reason.WITHOUT_TEXT: 362}),
    "telegram_desktop/guzelskie_perezalivy_ru": (138, {Reason.WITHOUT_TEXT: 362}),
    "telegram_desktop/guzelskie_perezalivy_ru_increments/01_2026-06-13": (1, {Reason.WITHOUT_TEXT: 4}),
    "telegram_desktop/guzelskie_perezalivy_ru_increments/02_2026-06-14": (1, {Reason.WITHOUT_TEXT: 3}),
    "telegram_desktop/guzelskie_perezalivy_ru_increments/03_2026-06-16": (1, {Reason.WITHOUT_TEXT: 2}),
    "telegram_desktop/guzelskie_perezalivy_ru_increments/04_2026-06-17": (1, {Reason.WITHOUT_TEXT: 2}),
    "telegram_desktop/guzelskie_perezalivy_ru_increments/05_2026-06-19": (1, {Reason.WITHOUT_TEXT: 5}),
    "telegram_desktop/upon_the_path_en_ar/result.json": (157, {Reason.WITHOUT_TEXT: 51, Reason.SERVICE: 5}),
    "channel_dumps/news_alert_en/telegram.json": (34, {}),
    "channel_dumps/nktkln/1001000724666_messages.json": (500, {}),
    "channel_dumps/nktkln/1001003921752_messages.json": (500, {}),
    "channel_dumps/nktkln/1001032086354_messages.json": (500, {}),
    "channel_dumps/nktkln/1001101170442_messages.json": (500, {}),
    "channel_dumps/nktkln/1001136626166_messages.json": (500, {}),
    "channel_dumps/nktkln/1001138587070_messages.json": (494, {}),
    "channel_dumps/nktkln/1001326203371_messages.json": (500, {}),
    "channel_dumps/nktkln/1001754252633_messages.json": (500, {}),
}


@pytest.mark.parametrize(("file", "expected"), COUNTS.items())
def test_counts(corpus: Path, file: str, expected: tuple[int, dict[Reason, int]]) -> None:
    readings = list(open_posts(corpus / file))
    posts = [reading for reading in readings if isinstance(reading, IncomingPost)]
    left_out = Counter(reading.reason for reading in readings if isinstance(reading, LeftOut))
    assert (len(posts), left_out) == expected
    assert len({(post.channel, post.external_id) for post in posts}) == len(posts)
    assert all(post.url and post.channel and post.channel_title for post in posts)


def test_nothing_of_the_markdown_is_left_in_the_news(corpus: Path) -> None:
    for channel in ("1001000724666", "1001003921752", "1001032086354", "1001101170442", "1001754252633"):
        for post in open_posts(corpus / "channel_dumps" / "nktkln" / f"{channel}_messages.json"):
            assert isinstance(post, IncomingPost)
            assert not any(sign in post.text for sign in ("**", "__", "~~", "`", "](")), post.text
