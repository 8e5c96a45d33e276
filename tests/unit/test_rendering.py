"""A digest as Telegram messages: inside the limits, nothing lost, nothing turned into markup."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiogram.types import MessageEntity

from pipeline.stages.display_text import clip, units
from pipeline.stages.rendering import Message, render_digest
from storage.records import Digest, DigestItem, DigestSection, Period
from texts import Texts

START = datetime(2024, 12, 2, 6, tzinfo=UTC)
EN, RU = Texts("en"), Texts("ru")


def item(
    number: int, headline: str = "", text: str = "", url: str | None = None, source_title: str = "Хабр"
) -> DigestItem:
    return DigestItem(number, headline, text, url, source_title)


def digest(*sections: tuple[str, list[DigestItem]], title: str = "Технодайджест") -> Digest:
    return Digest(
        run_id=7,
        bot_slug="tech-ru",
        title=title,
        language="ru",
        timezone="Europe/Moscow",
        period=Period(START, START + timedelta(days=1)),
        sections=tuple(DigestSection(category, tuple(items)) for category, items in sections),
    )


def covered(message: Message, kind: str) -> list[str]:
    return [entity.extract_from(message.text) for entity in message.entities if entity.type == kind]


def links(message: Message) -> list[tuple[str, str | None]]:
    return [(e.extract_from(message.text), e.url) for e in message.entities if e.type == "text_link"]


def assert_within_limits(message: Message) -> None:
    size = len(message.text.encode("utf-16-le")) // 2  # fails on half a surrogate pair
    assert size <= 4096
    assert len(message.entities) <= 100
    assert message.text == message.text.strip()
    for entity in message.entities:
        assert entity.length > 0
        assert 0 <= entity.offset < entity.offset + entity.length <= size
        assert_between_characters(message.text, entity)


def assert_between_characters(text: str, entity: MessageEntity) -> None:
    encoded = text.encode("utf-16-le")
    encoded[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le")


def test_a_short_digest_word_for_word() -> None:
    items = [
        item(1, "Вышел Python 3.15", "Новая версия быстрее.", "https://t.me/habr/1"),
        item(2, "Без ссылки", "Просто текст.", None, "N+1"),
    ]
    other = [item(3, "", "Только текст.", "https://t.me/nplus1/3", "N+1")]
    [message] = render_digest(digest(("Технологии", items), ("Наука", other)), RU, RU.get("digest.offline_note"))
    assert message.text == (
        "Технодайджест\n"
        "2 дек., 09:00 — 3 дек. 2024, 09:00\n\n"
        "Технологии\n\n"
        "• Вышел Python 3.15\n"
        "Новая версия быстрее. — Хабр\n\n"
        "• Без ссылки\n"
        "Просто текст. — N+1\n\n"
        "Наука\n\n"
        "• Только текст. — N+1\n\n"
        "Собрано без языковой модели: тексты остались на языке источников."
    )
    assert covered(message, "bold") == ["Технодайджест", "Технологии", "Вышел Python 3.15", "Без ссылки", "Наука"]
    assert links(message) == [
        ("Вышел Python 3.15", "https://t.me/habr/1"),
        ("Хабр", "https://t.me/habr/1"),
        ("N+1", "https://t.me/nplus1/3"),
    ]
    assert_within_limits(message)


def test_a_headline_that_is_the_whole_summary_is_said_once() -> None:
    [message] = render_digest(digest(("Мир", [item(1, "Одно и то же.", "Одно и то же.")])), RU)
    assert message.text.count("Одно и то же.") == 1


def test_a_digest_without_items_says_so() -> None:
    [message] = render_digest(digest(), EN, "A note.")
    assert message.text.endswith("\n\nNothing new for this digest.\n\nA note.")


def test_a_quiet_day_is_a_title_a_period_and_one_sentence() -> None:
    quiet = replace(digest(), is_quiet=True)
    [message] = render_digest(quiet, RU)
    assert message.text == (
        "Технодайджест\n2 дек., 09:00 — 3 дек. 2024, 09:00\n\nТихий день: ничего, что стоило бы вашего времени."
    )
    [message] = render_digest(quiet, EN)
    assert message.text.endswith("\n\nA quiet day: there is nothing that is worth your time.")


def everything_in_blocks(messages: list[Message]) -> list[str]:
    return [block for message in messages for block in message.text.split("\n\n")]


WORDS = ["новость", "🚀🚀🚀", "👩‍👩‍👧‍👦", "<b>", "_*[", "שלום", "longer-word", "и", "𝔘𝔫𝔦", "a\nb"]


@pytest.mark.parametrize("seed", range(12))
def test_long_digests_are_split_between_items_and_keep_them_all(seed: int) -> None:
    chance = random.Random(seed)
    total = [1, 2, 3, 30, 100, 200][seed % 6]
    sections: list[tuple[str, list[DigestItem]]] = []
    marks = [f"#{number:03}#" for number in range(total)]
    for mark in marks:
        if not sections or chance.random() < 0.2:
            sections.append((f"Category {len(sections)} 🚀", []))
        text = mark + " " + " ".join(chance.choices(WORDS, k=chance.choice([1, 10, 60, 600])))
        url = chance.choice([None, "https://t.me/a/1"])
        sections[-1][1].append(item(1, chance.choice(["", "Headline 🚀 " * chance.choice([1, 60])]), text, url))
    note = chance.choice([None, "The note." * 100])

    messages = render_digest(digest(*sections), EN, note)

    for message in messages:
        assert_within_limits(message)
    everything = "".join(message.text for message in messages)
    assert [everything.count(mark) for mark in marks] == [1] * total
    assert sorted(marks, key=everything.index) == marks
    all_blocks = everything_in_blocks(messages)
    for category, _ in sections:
        assert all_blocks.count(category) == 1
        assert all_blocks.index(category) < min(
            (n for n, block in enumerate(all_blocks) if block == f"{category} (continued)"), default=len(all_blocks)
        )
    headings = [heading for category, _ in sections for heading in (category, f"{category} (continued)")]
    for number, message in enumerate(messages, start=1):
        blocks = message.text.split("\n\n")
        if len(messages) > 1:
            assert blocks.pop() == f"{number}/{len(messages)}"
        assert number == 1 or blocks[0] in headings
        assert blocks[-1] not in headings
        assert any(mark in message.text for mark in marks)


@pytest.mark.parametrize("size", range(300, 330))
def test_the_part_number_never_pushes_a_full_message_over_the_limit(size: int) -> None:
    messages = render_digest(digest(("Мир", [item(n, "", "x" * size) for n in range(400)])), EN)
    assert max(units(message.text) for message in messages) > 3700
    for message in messages:
        assert_within_limits(message)


def test_many_small_items_are_split_at_a_hundred_entities() -> None:
    items = [item(n, f"H{n}", "t", "https://t.me/a/1") for n in range(90)]
    messages = render_digest(digest(("Мир", items)), RU)
    assert len(messages) == 3
    assert all(units(message.text) < 2000 for message in messages)
    assert max(len(message.entities) for message in messages) > 95
    for message in messages:
        assert_within_limits(message)
    assert messages[1].text.startswith("Мир (продолжение)\n\n• H")
    assert covered(messages[1], "italic") == ["(продолжение)", "2/3"]


def test_an_oversized_item_is_clipped_and_stands_alone() -> None:
    long = item(1, "Заголовок " * 100, "🚀" * 9000, "https://t.me/a/1", "Источник " * 100)
    messages = render_digest(digest(("К" * 500, [long, long]), title="🚀" * 3000), RU, "Примечание " * 500)
    assert len(messages) == 2
    for message in messages:
        assert_within_limits(message)
        assert "🚀…" in message.text


@pytest.mark.parametrize(
    "text",
    [
        "<b>bold</b> &amp; <script>alert('x')</script>",
        "*bold* _it_ [x](y) `code` ||spoiler||",
        "👩‍👩‍👧‍👦 🇷🇺 ❤️‍🔥 𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
        "שלום עולם مرحبا بالعالم",
        "می\u200cخواهم क्\u200dष and\u00a0spaces",
        "{title} %s \\n \\x1b[31m",
    ],
)
def test_hostile_text_arrives_as_it_is(text: str) -> None:
    [message] = render_digest(digest((text, [item(1, text, text + "!", None, text)]), title=text), EN)
    assert message.text.count(text) == 5
    assert {entity.type for entity in message.entities} == {"bold"}
    assert covered(message, "bold") == [text, text, text]
    assert_within_limits(message)


def test_direction_overrides_control_characters_and_broken_surrogates_are_taken_out() -> None:
    bad = "".join(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0, 0x1B, 0x9B, 0xD83D, 0xDE00]))
    [message] = render_digest(digest((f"M{bad}ir", [item(1, f"He{bad}ad", f"te{bad}xt", None, f"So{bad}urce")])), EN)
    assert message.text.endswith("Mir\n\n• Head\ntext — Source")
    assert_within_limits(message)


@pytest.mark.parametrize(
    ("url", "is_link"),
    [
        ("https://example.org/a?b=1&c=2#d", True),
        ("http://пример.рф/путь", True),
        ("javascript:alert(1)", False),
        ("tg://resolve?domain=x", False),
        ("ftp://example.org", False),
        ("https://", False),
        ("https:example.org", False),
        ("https://exa mple.org", False),
        ("https://example.org/\u202egnp.exe", False),
        ("https://[broken", False),
        ("//example.org", False),
        ("", False),
    ],
)
def test_only_http_addresses_become_links(url: str, is_link: bool) -> None:
    [message] = render_digest(digest(("Мир", [item(1, "Head", "Text.", url)])), EN)
    assert links(message) == ([("Head", url), ("Хабр", url)] if is_link else [])


def test_clipping_cuts_between_words_and_never_through_a_character() -> None:
    assert clip("one two three", 13) == "one two three"
    assert clip("one two three", 12) == "one two…"
    assert clip("🚀🚀🚀", 5) == "🚀🚀…"
    assert clip("🚀🚀🚀", 4) == "🚀…"
    assert all(units(clip("ab 🚀" * 50, size)) <= size for size in range(1, 200))


def test_a_headline_or_a_source_never_shows_another_address_than_its_link() -> None:
    evil = item(1, "Вход на sberbank.ru", "Набери /stop и tg://x?y", "https://t.me/evil/1", "sberbank.ru")
    [message] = render_digest(digest(("Мир", [evil])), RU)
    assert message.text.endswith("• Вход на sberbank.ru\nНабери stop и … — sberbank.ru (t.me)")
    assert links(message) == [("t.me", "https://t.me/evil/1")]
    assert covered(message, "code") == ["sberbank.ru"]
