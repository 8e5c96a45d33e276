"""Where a sentence ends, and how a long one is shortened."""

from __future__ import annotations

import pytest

from pipeline.stages.sentences import clip, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Завод закрыт. Рабочие уволены!", ["Завод закрыт.", "Рабочие уволены!"]),
        (
            "Он живёт на ул. Ленина, т.е. в центре. Дом продан.",
            ["Он живёт на ул. Ленина, т.е. в центре.", "Дом продан."],
        ),
        ("В г. Казань приехал министр. Его ждали.", ["В г. Казань приехал министр.", "Его ждали."]),
        (
            "Мост открыли в 2024 г. Москва ждала его десять лет.",
            ["Мост открыли в 2024 г.", "Москва ждала его десять лет."],
        ),
        ("Театр им. Чехова получил 1,5 млн. руб. на ремонт.", ["Театр им. Чехова получил 1,5 млн. руб. на ремонт."]),
        ("Роман А. С. Пушкина издан вновь. Тираж мал.", ["Роман А. С. Пушкина издан вновь.", "Тираж мал."]),
        ("Книги, газеты и т.д. Всё сгорело.", ["Книги, газеты и т.д.", "Всё сгорело."]),
        ("«Мы победим!» Он ушёл.", ["«Мы победим!»", "Он ушёл."]),
        ("«Что дальше?» — спросил он. Никто не ответил.", ["«Что дальше?» — спросил он.", "Никто не ответил."]),
        ("Он подумал… и ушёл. Потом… Тишина.", ["Он подумал… и ушёл.", "Потом…", "Тишина."]),
        ("Курс вырос до 104.5 рубля. Завтра будет выше.", ["Курс вырос до 104.5 рубля.", "Завтра будет выше."]),
        ("И.о. Министра назначен. Указ подписан.", ["И.о. Министра назначен.", "Указ подписан."]),
    ],
)
def test_russian_news_is_split_where_a_reader_would_split_it(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Mr. Smith met Dr. Jones. They talked.", ["Mr. Smith met Dr. Jones.", "They talked."]),
        ("The U.S. President spoke. Nobody left.", ["The U.S. President spoke.", "Nobody left."]),
        ("He lives in the U.S. The house is old.", ["He lives in the U.S.", "The house is old."]),
        ("Platform No. 9 is shut. Why? Nobody knows.", ["Platform No. 9 is shut.", "Why?", "Nobody knows."]),
        ("Shares rose 2.5 percent to 3.14. Then they fell.", ["Shares rose 2.5 percent to 3.14.", "Then they fell."]),
        ("J. K. Rowling wrote it. It sold well.", ["J. K. Rowling wrote it.", "It sold well."]),
        ('"It is over." She left.', ['"It is over."', "She left."]),
        ("We saw cats, e.g. Persian ones. Dogs too.", ["We saw cats, e.g. Persian ones.", "Dogs too."]),
        ("It starts at 5 p.m. Doors open earlier.", ["It starts at 5 p.m.", "Doors open earlier."]),
        ("Visit example.com today. 12 people did.", ["Visit example.com today.", "12 people did."]),
        ("1. Open the box. 2. Close it.", ["1. Open the box.", "2. Close it."]),
    ],
)
def test_english_news_is_split_where_a_reader_would_split_it(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_a_line_break_ends_a_sentence_and_bullets_and_emoji_go() -> None:
    text = "⚡️ Главное за день\n\n🔹 Дождь кончился. 🔹 Мост открыт 🎉\n• Третье\n— Четвёртое\n➖➖➖\n№ 5 вернулся"
    assert split_sentences(text) == [
        "Главное за день",
        "Дождь кончился.",
        "Мост открыт",
        "Третье",
        "Четвёртое",
        "№ 5 вернулся",
    ]


@pytest.mark.parametrize("text", ["", "   \n\n", "🎉🎉🎉", "…", "!!!"])
def test_what_has_no_words_has_no_sentences(text: str) -> None:
    assert split_sentences(text) == []


def test_no_word_of_a_text_is_lost() -> None:
    text = "Сначала т.н. «план Б». Потом — no. 7, U.S. style! А дальше? Всё… конец.\nИ ещё строка."
    assert "".join(split_sentences(text)).replace(" ", "") == text.replace(" ", "").replace("\n", "")


@pytest.mark.parametrize(
    ("text", "max_chars", "clipped"),
    [
        ("Короткий текст", 20, "Короткий текст"),
        ("Короткий текст", 14, "Короткий текст"),
        ("Один два три четыре", 12, "Один два…"),
        ("Один два три четыре", 13, "Один два три…"),
        ("Один, два, три", 11, "Один, два…"),
        ("Рентгеноэлектрокардиограф", 10, "Рентгеноэ…"),
    ],
)
def test_a_long_text_is_cut_at_the_end_of_a_word(text: str, max_chars: int, clipped: str) -> None:
    assert clip(text, max_chars) == clipped
    assert len(clip(text, max_chars)) <= max_chars
