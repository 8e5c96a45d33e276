"""Texts written by Telethon become what a reader of the channel sees; what people wrote themselves stays."""

from __future__ import annotations

import pytest

from pipeline.sources.markdown import plain_text


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("**Жирно** и __косо__, ~~зря~~, `код`", "Жирно и косо, зря, код"),
        ("⚡️**Заявление:\n\n— пункт**;", "⚡️Заявление:\n\n— пункт;"),
        ("**Конец с переводом строки.\n**\nДальше", "Конец с переводом строки.\n\nДальше"),
        ("Т**еорию вероятностей: **случайные величины", "Теорию вероятностей: случайные величины"),
        ("**один** **__[**__два__**](https://a.example/x)**__.", "один два."),
        ("__Подробно: ____https://a.example/b____ __\n__конец__", "Подробно: https://a.example/b \nконец"),
        ("**🚀****\n\n**текст", "🚀\n\nтекст"),
        ("***очень*** важно", "*очень* важно"),
        ("```def f(**kwargs):\n    return __name__``` и **всё**", "def f(**kwargs):\n    return __name__ и всё"),
        ("`**не жирно**` **жирно**", "**не жирно** жирно"),
    ],
)
def test_markers_go_and_the_text_stays(written: str, seen: str) -> None:
    assert plain_text(written)[0] == seen


@pytest.mark.parametrize(
    "text",
    [
        "x**2 + y**2 = 1",
        "2 ** 3 ** 4",
        "def f(*args, **kwargs): pass",
        "__init__ и __str__ вызывает сам Python",
        'if __name__ == "__main__":',
        "filter(height_cm__gt=200, height_cm__lt=300)",
        "Фото: rinny___bel и some_user_name",
        "б****ь, с***а, бл**ь, х**ня",
        "Подпись: ____________ Дата: ____________",
        "____\n1) Сноска\n____\n2) Другая",
        "Jack Daniel`s",
        "[1] Источник (см. ниже), массив[0](x), [2](стр. 5)",
        "незакрытое ** здесь",
        "5 * 3 = 15, 5*3*2",
    ],
)
def test_ordinary_text_is_not_touched(text: str) -> None:
    assert plain_text(text) == (text, [])


def test_ordinary_signs_do_not_disturb_the_markers_beside_them() -> None:
    assert plain_text("**Что такое** x**2 и **kwargs?")[0] == "Что такое x**2 и **kwargs?"


@pytest.mark.parametrize(
    ("written", "seen", "links"),
    [
        ("См. [сайт](https://a.example/x?b=1) тут", "См. сайт тут", ["https://a.example/x?b=1"]),
        ("[**Подписаться**](https://t.me/+Ab_c__d)", "Подписаться", ["https://t.me/+Ab_c__d"]),
        ("[вики](https://ru.example/A_(b))!", "вики!", ["https://ru.example/A_(b)"]),
        ("[Работа [Python]](https://a.example)", "Работа [Python]", ["https://a.example"]),
        (
            "[Имя](tg://user?id=5) и [почта](mailto:a@b.example)",
            "Имя и почта",
            ["tg://user?id=5", "mailto:a@b.example"],
        ),
    ],
)
def test_a_link_leaves_its_words_and_gives_its_address(written: str, seen: str, links: list[str]) -> None:
    assert plain_text(written) == (seen, links)
