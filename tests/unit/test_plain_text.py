"""What strangers wrote is shown without what hides, turns or disguises; what their languages need stays."""

from __future__ import annotations

import unicodedata

import pytest

from pipeline.stages.plain_text import MAX_MARKS, one_line, paragraph, printable

ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    "text",
    [
        "👨‍👩‍👧‍👦 🏳️‍🌈 ❤️‍🔥 🙂‍↔️ 👍🏽 1️⃣ #️⃣ ☎️ ™️ 🇷🇺",
        ENGLAND,
        "می‌خواهم کتاب‌ها",
        "क्‍ष नमस्ते",
        "Tiếng Việt " + unicodedata.normalize("NFD", "Tiếng Việt"),
        "שָׁלוֹם עוֹלָם",
        "مَرْحَبًا ۝١",
        "ภาษาไทย ที่นี่",
        "日本語、中文。 한국어",
        "1\u00a0500\u202f000 ₽\n\tстрока",
    ],
)
def test_what_languages_and_emoji_need_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\x00b\x1bc\x9bd", "abcd"),
        ("a\u202eb\u2066c\u2069d\u200ee\u200ff\u061cg", "abcdefg"),
        ("a\u200bb\u2060c\ufeffd\u00ade", "abcde"),
        ("a\u200db\u200cc", "abc"),
        ("\u200d👍\u200d", "👍"),
        ("a\ufe0fb\U000e0101c\ufe00", "abc"),
        ("👍\ufe0f\ufe0f\ufe0f", "👍\ufe0f"),
        ("2\ufe0f 2\ufe0f\u20e3", "2 2\ufe0f\u20e3"),
        ("x" + "".join(chr(0xE0000 + ord(char)) for char in "obey") + "y", "xy"),
        ("🏴\U000e0067\U000e0062", "🏴"),
        (ENGLAND + "\u200d👍", ENGLAND + "👍"),
        (ENGLAND + "\ufe0f", ENGLAND),
        ("a\ue000b\ud800c\ufffed\ufdd0e", "abcde"),
        ("a\u3164b\u2800c\uffa0d", "a b c d"),
        ("a\u115f\u1160\u034fb", "ab"),
        ("a\r\nb\rc\u2028d\x85e\x0bf", "a\nb\nc\nd\ne\nf"),
    ],
)
def test_what_hides_or_turns_is_taken_out(text: str, seen: str) -> None:
    assert printable(text) == seen


def test_a_flood_of_accents_is_cut_and_none_stands_without_its_letter() -> None:
    assert printable("Z" + "\u0334\u0301" * 50 + "a") == "Z" + "\u0334\u0301" * (MAX_MARKS // 2) + "a"
    assert printable("\u0301a\n\u20ddb") == "a\nb"


def test_the_same_text_comes_out_when_it_is_cleaned_twice() -> None:
    text = "".join(
        map(chr, [*range(0x3100), *range(0xFE00, 0x10000), *range(0x1F000, 0x1FB00), *range(0xE0000, 0xE0200)])
    )
    assert printable(printable(text)) == printable(text)


def test_one_line_and_paragraph() -> None:
    assert one_line(" a \n\n b\t\u3164c\u00a0d ") == "a b c\u00a0d"
    assert paragraph(" a \n \u200b\n\n b  c ") == "a\nb  c"
