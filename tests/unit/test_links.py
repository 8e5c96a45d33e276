"""Links: only to web pages, only where they seem to lead, and seen in whatever way they are written."""

from __future__ import annotations

import pytest

from pipeline.stages.links import defused, links_in, safe_link, shows_another_host


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://example.org/a?b=1&c=2#d", "https://example.org/a?b=1&c=2#d"),
        ("http://example.org:8080/", "http://example.org:8080/"),
        ("http://[::1]/", "http://[::1]/"),
        ("https://президент.рф/новости", "https://президент.рф/новости"),
        ("https://аррӏе.com/", "https://xn--80ak6aa92e.com/"),
        ("https://sbеrbank.ru:443/x", "https://xn--sbrbank-8gg.ru:443/x"),
        ("https://bank.com@evil.example/", None),
        ("https://bank.com\\@evil.example/", None),
        ("https://user:password@example.org/", None),
        ("https://exa\u200bmple.org/", None),
        ("https://example.org/\u202egnp.exe", None),
        ("https://example.org/\U000e0041", None),
        ("https://exa mple.org/", None),
        ("https://example.org:port/", None),
        ("javascript:alert(1)", None),
        ("tg://resolve?domain=x", None),
        ("ftp://example.org/", None),
        ("https://", None),
        ("", None),
        (None, None),
    ],
)
def test_a_link_is_honest_or_none(url: str | None, safe: str | None) -> None:
    assert safe_link(url) == safe


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Читайте t.me/evil и https://a.example/b.", ["t.me/evil", "https://a.example/b"]),
        ("Жми @evil_bot или /stop", ["@evil_bot", "/stop"]),
        ("evil.xyz, evil.shop/path и зло.рф", ["evil.xyz", "evil.shop/path", "зло.рф"]),
        ("tg://join?invite=1", ["tg://join?invite=1"]),
        ("пишите a@b.example", ["a@b.example"]),
        ("t.mе/evil", ["t.me/evil"]),
        ("evil [.] com, evil(dot)ru, hxxp://x", ["hxxp://x", "evil.com", "evil.ru"]),
        ("и/или, 24/7, км/ч, т.е. т.к. U.S. v3.15.1", []),
    ],
)
def test_what_can_be_pressed_is_seen(text: str, found: list[str]) -> None:
    assert sorted(links_in(text)) == sorted(found)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Жми tg://resolve?domain=x сейчас", "Жми … сейчас"),
        ("Вход: https://bank.com@evil.example/", "Вход: …"),
        ("Набери /stop, потом /start.", "Набери stop, потом start."),
        ("sbеrbank.ru открылся", "https://xn--sbrbank-8gg.ru открылся"),
        ("Читайте https://example.org/a, @habr и a@b.example", "Читайте https://example.org/a, @habr и a@b.example"),
        ("Node.js 22 и main.py, и/или 24/7", "Node.js 22 и main.py, и/или 24/7"),
    ],
)
def test_what_would_deceive_cannot_be_pressed(text: str, shown: str) -> None:
    assert defused(text) == shown


@pytest.mark.parametrize(
    ("text", "deceives"),
    [
        ("sberbank.ru", True),
        ("https://sberbank.ru/login", True),
        ("t.me", False),
        ("@channel", False),
        ("Вышел Node.js 22", False),
        ("Хабр", False),
    ],
)
def test_a_text_that_shows_another_address_than_its_link(text: str, deceives: bool) -> None:
    assert shows_another_host(text, "https://t.me/channel/1") is deceives
