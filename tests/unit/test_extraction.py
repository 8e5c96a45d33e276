"""A summary without a model is made of the post's own sentences, and a post's weight can be seen in its words."""

from __future__ import annotations

import pytest

from pipeline.stages.extraction import (
    HEADLINE_CHARS,
    TEXT_CHARS,
    extract,
    is_boilerplate,
    lead_summary,
    usable_sentences,
)
from pipeline.stages.faithfulness import unsupported
from pipeline.stages.importance import importance, is_marked_advertisement, is_promotion

POST = (
    "⚡️**Мост через Волгу открыли в Кинешме**\n\n"
    "По нему уже прошли первые 200 машин. Строили мост шесть лет, он обошёлся в 4,5 млрд рублей.\n"
    "[Видео с открытия](https://example.com/video)\n"
    "Ранее сообщалось, что открытие перенесут.\n\n"
    "#мост #новости\n"
    "[👉 Волга сегодня. Подписаться](https://t.me/+abcdef)\n@volga_news"
)


@pytest.mark.parametrize(
    "line",
    [
        "Подписывайтесь на наш канал",
        "👉 Топ новости. Подписаться",
        "Subscribe to our channel for more",
        "Read more: https://example.com/1",
        "Читать далее",
        "Читайте также: что будет с рублём",
        "Подробнее — на сайте",
        "Ранее сообщалось, что мост закроют.",
        "#спорт #футбол",
        "https://example.com/news/1",
        "@news_channel",
        "➖➖➖",
        "Фото: ТАСС",
        "* признан иностранным агентом",
    ],
)
def test_the_channel_talking_about_itself_is_no_news(line: str) -> None:
    assert is_boilerplate(line)


@pytest.mark.parametrize(
    "line",
    [
        "Пользователи смогут подписаться на платные каналы и смотреть их без рекламы с нового года, пишет издание.",
        "Netflix will let people subscribe without ads from January, the company said in a statement to its investors.",
        "Суд признал журналиста иностранным агентом.",
        "Источник в правительстве рассказал о планах.",
        "Follow-up talks start on Monday.",
        "В #Москве открыли мост https://example.com",
    ],
)
def test_news_about_subscriptions_and_sources_stays(line: str) -> None:
    assert not is_boilerplate(line)


def test_a_post_is_told_by_its_lead_and_its_facts_without_footers_and_marks() -> None:
    summary = lead_summary(POST)
    assert summary.headline == "Мост через Волгу открыли в Кинешме"
    assert summary.text == "По нему уже прошли первые 200 машин. Строили мост шесть лет, он обошёлся в 4,5 млрд рублей."


def test_the_text_does_not_say_the_headline_again() -> None:
    text = "Мост открыли в Кинешме сегодня утром\nСегодня утром в Кинешме открыли мост.\nСтроили его шесть лет."
    assert lead_summary(text).text == "Строили его шесть лет."


def test_a_weak_first_line_gives_way_to_the_sentence_that_says_it() -> None:
    summary = lead_summary("Внимание!\nАэропорт Сочи закрыли из-за тумана.\nРейсы отправляют в Краснодар.")
    assert summary.headline == "Аэропорт Сочи закрыли из-за тумана"


def test_a_sentence_that_says_more_of_the_whole_is_preferred() -> None:
    sentences = ["Утро выдалось тихим.", "Завод в Туле остановили.", "Погода была ясной.", "Уволены 300 рабочих."]
    summary = extract(sentences, [0.1, 0.9, 0.1, 0.8])
    assert summary.headline == "Завод в Туле остановили"
    assert "Уволены 300 рабочих." in summary.text


def test_a_long_lead_goes_on_in_the_text_and_no_number_is_torn() -> None:
    lead = "Правительство области выделило на ремонт дорог и мостов в сельских районах у реки и далеко от неё сумму "
    summary = lead_summary(lead + "в размере 12 345 678 рублей на следующий год. Работы начнутся весной.")
    assert len(summary.headline) <= HEADLINE_CHARS
    assert summary.headline.endswith("…")
    assert "12 345 678" in summary.headline + summary.text
    assert unsupported(f"{summary.headline}\n{summary.text}", lead + "12 345 678") == []


@pytest.mark.parametrize(
    "text",
    ["🎉🎉🎉", "https://example.com/a", "Подписывайтесь на канал!", "#тег", "а" * 100_000, "مرحبا بالعالم", "***"],
)
def test_a_post_without_a_sentence_still_gets_a_headline(text: str) -> None:
    summary = lead_summary(text)
    assert summary.headline
    assert len(summary.headline) <= HEADLINE_CHARS


def test_a_very_long_post_gives_a_short_summary_on_single_lines() -> None:
    summary = lead_summary("Первая новость дня.\n" + "Событие номер 5 произошло в городе N. " * 3000)
    assert len(summary.text) <= TEXT_CHARS
    assert "\n" not in summary.headline + summary.text


def test_a_channel_name_at_the_end_of_a_sentence_goes() -> None:
    assert usable_sentences("Доллар вырос до 104 рублей. @bank_news") == ["Доллар вырос до 104 рублей."]


@pytest.mark.parametrize(
    "text",
    [
        "Откройте новый мир. https://example.com/?utm=1&erid=LjN8abc",
        "Скидка по промокоду DIGEST",
        "Розыгрыш телефона! Условия: подпишись и жди",
        "Giveaway time: three phones",
        "Реклама. ООО «Ромашка»",
    ],
)
def test_an_advertisement_that_says_so_is_known_by_its_words(text: str) -> None:
    assert is_marked_advertisement(text)


def test_news_about_discounts_is_no_advertisement() -> None:
    text = "Производитель алмазов продал свою продукцию со скидкой 10%, пишет агентство."
    assert not is_marked_advertisement(text)
    assert not is_promotion(text, junk=0.25, fit=0.22)
    assert is_promotion("Успейте купить со скидкой, регистрируйтесь по ссылке!", junk=0.25, fit=0.22)


def test_importance_grows_with_fit_and_facts_and_urgency() -> None:
    vague = "Что нового в мире технологий и как с этим жить дальше?"
    plain = "Компания обновила приложение для чтения книг на телефоне."
    weighty = "⚡️ Президент подписал закон: с 1 марта 2025 года Россия вводит налог 15% на 300 видов товаров из Китая."
    assert importance("Ну такое", 0.2) == 1
    assert importance(vague, 0.2) == 2
    assert importance(plain, 0.25) == 3
    assert importance(weighty, 0.30) == 5
    assert importance(weighty, 0.10) < importance(weighty, 0.30)
