"""A summary may say it in other words, but not with other numbers or links."""

from __future__ import annotations

import time

import pytest

from pipeline.stages.faithfulness import count_facts, unsupported

SOURCE_RU = (
    "Компания вложит 1,5 млн рублей в завод к 12 марта 2025 года. Работу получат пятеро инженеров и 2 300 рабочих, "
    "зарплаты вырастут на 12,5%. Подробности: https://example.com/news/42 и @zavod_news. Вышла версия 3.15.1. "
    "Цена — от 2 до 3 млрд, матч кончился со счётом 3:1."
)
SOURCE_EN = (
    "The company will invest $1.5 million in the plant by March 12, 2025. Five engineers and 2,300 workers get jobs, "
    "wages grow by 12.5 percent, and twenty-one managers leave. Two million units a year. See www.example.com/plan."
)


@pytest.mark.parametrize(
    ("source", "summary"),
    [
        (SOURCE_RU, "В завод вложат 1,5 миллиона рублей"),
        (SOURCE_RU, "В завод вложат 1 500 000 рублей"),
        (SOURCE_RU, "The plant gets 1.5 million roubles and 2,300 workers"),
        (SOURCE_RU, "Зарплаты вырастут на 12.5 процента"),
        (SOURCE_RU, "Срок — 12.03.2025"),
        (SOURCE_RU, "The deadline is 2025-03-12"),
        (SOURCE_RU, "Работу получат 5 инженеров"),
        (SOURCE_RU, "Наняли три сотни людей, один из них рад"),
        (SOURCE_RU, "Цена 2–3 млрд"),
        (SOURCE_RU, "Цена: 2 млрд или 3 млрд"),
        (SOURCE_RU, "Счёт 3:1, вышел Python 3.15"),
        (SOURCE_RU, "Читайте на example.com/news/42, https://www.example.com/news/42/ или у @zavod_news."),
        (SOURCE_RU, "Сайт example.com"),
        ("Зара\u200bбота\u200bл 1\u200b5 рублей на exa\u200bmple.com", "15 рублей на example.com"),
        (SOURCE_EN, "Вложения составят 1,5 млн долларов, 2 300 рабочих мест, 5 инженеров"),
        (SOURCE_EN, "Investment of $1.5M, 21 managers out, 2 million units"),
        (SOURCE_EN, "В 2025 году зарплаты вырастут на 12,50 %"),
        ("5 октября 500 человек вышли на площадь", "05.10 вышли 500 человек"),
        ("Проект COVID-19 и F-16 обошёлся в 10K", "F-16, COVID-19: 10 тысяч"),
        ("В 2024 500 школ закрыты", "500 школ закрыты в 2024"),
        ("", "Без чисел и ссылок"),
    ],
)
def test_the_same_facts_in_other_words_are_supported(source: str, summary: str) -> None:
    assert unsupported(summary, source) == []


@pytest.mark.parametrize(
    ("source", "summary", "strange"),
    [
        (SOURCE_RU, "В завод вложат 1,6 млн рублей", ["1,6 млн"]),
        (SOURCE_RU, "В завод вложат 1,5 млрд рублей", ["1,5 млрд"]),
        (SOURCE_RU, "Работу получат 2 400 рабочих", ["2 400"]),
        (SOURCE_RU, "Зарплаты вырастут на 12,5%, налоги на 7%", ["7"]),
        (SOURCE_RU, "Срок — 13.03.2025", ["13.03.2025"]),
        (SOURCE_RU, "Срок — 12.04.2025", ["12.04.2025"]),
        (SOURCE_RU, "Срок — 2026-03-12", ["12.03.2026"]),
        (SOURCE_RU, "К 2026 году", ["2026"]),
        (SOURCE_RU, "Вышла версия 3.15.2", ["3.15.2"]),
        (SOURCE_RU, "Завод заработает 42 дня спустя", ["42"]),
        (SOURCE_RU, "Подробности: https://example.com/news/43", ["https://example.com/news/43"]),
        (SOURCE_RU, "Подробности: https://example.com/news/4", ["https://example.com/news/4"]),
        (SOURCE_RU, "Подробности: evil.io", ["evil.io"]),
        (SOURCE_RU, "Подробности: https://example.com.evil.io/news/42", ["https://example.com.evil.io/news/42"]),
        (SOURCE_RU, "Пишите @zavod_fake", ["@zavod_fake"]),
        (SOURCE_RU, "Жми t.mе/zavod", ["t.me/zavod"]),
        (SOURCE_RU, "Жми evil [.] com", ["evil.com"]),
        (SOURCE_RU, "Скидки на evil.xyz", ["evil.xyz"]),
        (SOURCE_RU, "Набери /stop", ["/stop"]),
        (SOURCE_RU, "Жми tg://resolve?domain=zavod_news", ["tg://resolve?domain=zavod_news"]),
        (SOURCE_EN, "It will invest $15 million and hire 23 workers", ["15 million", "23"]),
        (SOURCE_EN, "It will invest $2.5M", ["2.5M"]),
        (SOURCE_EN, "22 managers leave, 22 of them today", ["22"]),
        ("Погибли люди", "Погибли 12 человек", ["12"]),
    ],
)
def test_altered_and_added_numbers_and_links_are_caught(source: str, summary: str, strange: list[str]) -> None:
    assert unsupported(summary, source) == strange


@pytest.mark.parametrize(
    "text", ["1,2,3,4", "...", "1.2.3.4.5", "99" * 400, "٣ и ²", "1'000'000", "12" * 20 + " млн", "@" * 50]
)
def test_odd_numbers_are_read_without_falling_over(text: str) -> None:
    assert unsupported(text, text) == []


def test_facts_are_counted_without_those_in_links() -> None:
    assert count_facts("С 5 до 10 млн, снова 5: https://example.com/2024/99") == 2


@pytest.mark.parametrize("piece", ["1,", "1.1,", "1 "])
def test_no_flood_of_numbers_keeps_it_much_busier_than_words_do(piece: str) -> None:
    plain, numbers = ("слово " * 7_000)[:40_000], (piece * 20_000)[:40_000]

    assert _seconds(numbers) < 25 * _seconds(plain)


def test_a_version_is_known_by_its_beginnings_and_by_nothing_else() -> None:
    source = "Вышли 3.15.1, 3.15.10 и 4.2.0.1"
    assert unsupported("3.15, 3.15.10, 4.2 и 4.2.0", source) == []
    assert unsupported("3.1, 15.1, 4.2.0.10 и 3.15.1.0", source) == ["3.1", "15.1", "4.2.0.10", "3.15.1.0"]


def _seconds(text: str) -> float:
    began = time.process_time()
    unsupported(text, text)
    return time.process_time() - began
