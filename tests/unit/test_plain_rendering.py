"""A digest for the command line: text, page and JSON; other people's text stays text."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from pipeline.stages.plain_rendering import as_html, as_json, as_text
from settings import HOME
from storage.records import Digest, DigestItem, DigestSection, Period
from texts import Texts

START = datetime(2024, 12, 2, 6, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script> & \"q\" \u202e\x1b[31m"


def digest(*items: DigestItem, category: str = "Технологии", title: str = "Технодайджест") -> Digest:
    period = Period(START, START + timedelta(days=1))
    sections = (DigestSection(category, items),) if items else ()
    return Digest(7, "tech-ru", title, "ru", "Europe/Moscow", period, sections)


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for key, value in attrs if key in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_text_for_a_terminal_word_for_word() -> None:
    first = DigestItem(1, "Вышел Python 3.15", "Новая версия заметно быстрее прежней.", "https://t.me/habr/1", "Хабр")
    second = DigestItem(2, "", "Только текст.", None, "N+1")
    assert as_text(digest(first, second), Texts("ru"), width=30, note="Примечание.") == (
        "Технодайджест\n"
        "2 дек., 09:00 — 3 дек. 2024, 09:00\n\n"
        "Технологии\n"
        "──────────\n\n"
        "• Вышел Python 3.15\n"
        "  Новая версия заметно быстрее\n"
        "  прежней.\n"
        "  Хабр · https://t.me/habr/1\n\n"
        "• Только текст.\n"
        "  N+1\n\n"
        "Примечание.\n"
    )


def test_text_keeps_to_its_width_and_breaks_no_link() -> None:
    url = "https://example.org/" + "very-long-path/" * 10
    text = as_text(digest(DigestItem(1, "Слово " * 40, "Слово " * 200, url, "Хабр")), Texts("ru"), width=60)
    assert url in text
    assert all(len(line) <= 60 for line in text.splitlines() if url not in line)


def test_text_cannot_drive_the_terminal() -> None:
    text = as_text(digest(DigestItem(1, HOSTILE, HOSTILE, "javascript:x", HOSTILE), title=HOSTILE), Texts("en"))
    assert not {"\x1b", "\u202e"} & set(text)
    assert "javascript" not in text


def test_html_is_one_escaped_page_with_links_to_http_only() -> None:
    good = DigestItem(1, "Head", "Two\nlines", 'https://example.org/?a="1"&b=2', "Хабр")
    bad = DigestItem(2, HOSTILE, HOSTILE + "!", "javascript:alert(1)", HOSTILE)
    html = as_html(digest(good, bad, category=HOSTILE, title=HOSTILE), Texts("ru"), note=HOSTILE)
    page = Page(html)
    assert html.startswith('<!doctype html>\n<html lang="ru">')
    assert html.endswith("</html>\n")
    assert "script" not in page.tags
    assert page.links == ['https://example.org/?a="1"&b=2'] * 2
    assert page.words.count("<script>alert('x')</script> & \"q\"") == 7
    assert "Two<br>lines" in html


def test_no_form_lets_an_address_pass_for_another() -> None:
    evil = DigestItem(1, "sberbank.ru", "tg://x?y", "https://bank.com@evil.example/", "sberbank.ru")
    other = DigestItem(2, "sberbank.ru", "", "https://t.me/evil/2", "sberbank.ru")
    page = as_html(digest(evil, other), Texts("ru"))
    assert Page(page).links == ["https://t.me/evil/2"]
    assert '(<a href="https://t.me/evil/2" rel="noopener noreferrer">t.me</a>)' in page
    for text in (page, as_text(digest(evil, other), Texts("ru")), as_json(digest(evil, other))):
        assert "tg://" not in text
        assert "bank.com@" not in text


def test_json_has_stable_keys_and_readable_letters() -> None:
    text = as_json(digest(DigestItem(1, "Вышел Python", "Новая версия.", "https://t.me/habr/1", "Хабр")))
    assert "Вышел Python" in text
    assert json.loads(text) == {
        "bot": "tech-ru",
        "run_id": 7,
        "title": "Технодайджест",
        "language": "ru",
        "timezone": "Europe/Moscow",
        "period": {"start": "2024-12-02T06:00:00+00:00", "end": "2024-12-03T06:00:00+00:00"},
        "sections": [
            {
                "category": "Технологии",
                "items": [
                    {
                        "post_id": 1,
                        "headline": "Вышел Python",
                        "text": "Новая версия.",
                        "url": "https://t.me/habr/1",
                        "source": "Хабр",
                    }
                ],
            }
        ],
    }


def test_an_empty_digest_says_so_everywhere() -> None:
    assert "Nothing new for this digest." in as_text(digest(), Texts("en"))
    assert "Nothing new for this digest." in as_html(digest(), Texts("en"))
    assert json.loads(as_json(digest()))["sections"] == []


def test_a_quiet_day_says_so_everywhere() -> None:
    quiet = replace(digest(), is_quiet=True)
    for text in (as_text(quiet, Texts("en")), as_html(quiet, Texts("en"))):
        assert "A quiet day: there is nothing that is worth your time." in text
        assert "Nothing new for this digest." not in text


def test_the_command_line_does_not_load_aiogram() -> None:
    code = "import pipeline.stages.plain_rendering, sys; sys.exit('aiogram' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=HOME, check=False).returncode == 0
