"""Which of our posts is meant by a link, an id, a channel or a text of another program."""

from __future__ import annotations

import pytest

from pipeline.stages.matching import Index, Match, comparable_url
from storage.records import KnownPost, PostReference

POSTS = [
    KnownPost(1, "city", "cityline", "1234", "12", "https://t.me/cityline/12", "tram"),
    KnownPost(2, "city", "cityline", "1234", "13", "https://t.me/cityline/13", "park"),
    KnownPost(3, "mixed", None, None, "habr/12", None, "python"),
    KnownPost(4, "copies", None, None, "77", "https://news.example/Tram?id=7", "tram"),
]


def find(**reference: str) -> Match:
    return Index(POSTS).find(PostReference(**reference), lambda text: text.split()[0])


@pytest.mark.parametrize(
    ("reference", "ids"),
    [
        ({"url": "http://www.t.me/s/CityLine/12?single"}, (1,)),
        ({"url": "https://news.example/Tram?id=7"}, (4,)),
        ({"id": "12", "channel": "city"}, (1,)),
        ({"id": "12", "channel": "cityline"}, (1,)),
        ({"id": "12", "channel": "1234"}, (1,)),
        ({"id": "12", "channel": "habr"}, (3,)),
        ({"id": "13"}, (2,)),
        ({"id": "999", "text": "tram and more"}, (1, 4)),
        ({"url": "https://gone.example/1", "id": "13", "channel": "city"}, (2,)),
        ({"id": "12", "channel": "nobody"}, ()),
        ({"url": "https://news.example/tram?id=7"}, ()),
    ],
)
def test_a_post_is_found(reference: dict[str, str], ids: tuple[int, ...]) -> None:
    assert find(**reference) == Match(ids)


def test_an_id_that_several_posts_have_is_not_guessed() -> None:
    assert find(id="12") == Match((), is_ambiguous=True)


def test_addresses_of_the_same_post_compare_alike() -> None:
    same = {"https://t.me/s/City/12", "http://telegram.me/city/12/", "t.me/CITY/12?comment=4"}
    assert {comparable_url(url) for url in same} == {"t.me/city/12"}
