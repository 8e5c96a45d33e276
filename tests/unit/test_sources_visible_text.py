"""One normal form for the text of a post, and only web addresses as its links."""

from __future__ import annotations

import pytest

from pipeline.sources.visible_text import bare_links, visible_text, web_links


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("и\u0306", "й"),
        ("a\x00b\x0bc\x85d\ud800e", "abcde"),
        ("a\tb\r\nc\rd", "a\tb\nc\nd"),
        ("  текст  \nещё\u00a0 \n", "текст\nещё"),
        ("a\n\n\nb", "a\n\n\nb"),
        ("a\n \n\t\n\n\n\nb", "a\n\n\nb"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("\u200b \ufeff\n\u3164", ""),
        ("", ""),
    ],
)
def test_visible_text(raw: str, seen: str) -> None:
    assert visible_text(raw) == seen


def test_the_form_is_normal_already_after_the_first_time() -> None:
    once = visible_text(" \x07e\u0301 \n\n\n\n\n  b \u200b ")
    assert visible_text(once) == once


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("см. https://a.example/x, и http://b.example.", ["https://a.example/x", "http://b.example"]),
        ("(https://a.example/x) «https://b.example/y»", ["https://a.example/x", "https://b.example/y"]),
        ("https://ru.example/A_(b)", ["https://ru.example/A_(b)"]),
        ("ftp://a.example и t.me/name", []),
    ],
)
def test_addresses_that_stand_in_a_text(text: str, links: list[str]) -> None:
    assert bare_links(text) == links


def test_only_whole_web_addresses_are_kept_each_once() -> None:
    long = f"https://a.example/{'x' * 3000}"
    given = [
        "https://a.example/", "http://b.example", "https://a.example/", "tg://user?id=1", "javascript:alert(1)",
        "https://", "https://[broken", "https://a.example/with space", "HTTPS://C.example", long,
    ]  # fmt: skip
    assert web_links(given) == ("https://a.example/", "http://b.example", "HTTPS://C.example")
