"""Batches are packed by an estimate that is never far below what a tokenizer counts."""

from __future__ import annotations

import pytest

from pipeline.stages.tokens import clip_to_tokens, estimate_tokens

TEXTS = (
    "The central bank raised its key rate to 21 % on Friday, 25 October 2024.",
    "Центробанк повысил ключевую ставку до 21 % в пятницу, 25 октября 2024 года.",
    "https://example.org/a?b=1#Zm9vYmFy",
    "你好，我的名字是",
    "👍🔥👨‍👩‍👧‍👦🇷🇺",
    " \n\n\t ",
)


# The sentences and both counts (newest vocabulary, the one before it) are published: openai.com/index/hello-gpt-4o
@pytest.mark.parametrize(
    ("text", "fewest", "most"),
    [
        ("Hello, my name is GPT-4o. I'm a new type of language model, it's nice to meet you!", 24, 27),
        ("Привет, меня зовут GPT-4o. Я — новая языковая модель, приятно познакомиться!", 23, 39),
        ("你好，我的名字是GPT-4o。我是一种新型的语言模型，很高兴见到你!", 24, 34),
        ("مرحبًا، اسمي جي بي تي-4o. أنا نوع جديد من نموذج اللغة، سررت بلقائك!", 26, 53),
    ],
)
def test_an_estimate_is_at_least_what_a_new_tokenizer_counts_and_near_what_an_older_one_does(
    text: str, fewest: int, most: int
) -> None:
    assert fewest <= estimate_tokens(text) <= 1.5 * most


def test_an_empty_text_costs_nothing_and_one_character_something() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("a") == 1


@pytest.mark.parametrize("text", TEXTS)
def test_a_longer_text_never_costs_less(text: str) -> None:
    costs = [estimate_tokens(text[:length]) for length in range(len(text) + 1)]

    assert costs == sorted(costs)


def test_cyrillic_costs_more_than_latin_and_emoji_more_than_both() -> None:
    latin, cyrillic, chinese, emoji = (estimate_tokens(char * 100) for char in "eе你👍")

    assert latin < cyrillic < chinese < emoji


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("max_tokens", [1, 7, 50])
def test_a_clipped_text_is_a_beginning_that_costs_no_more_than_allowed(text: str, max_tokens: int) -> None:
    clipped = clip_to_tokens(text * 20, max_tokens)

    assert (text * 20).startswith(clipped)
    assert estimate_tokens(clipped) <= max_tokens


def test_a_text_that_fits_is_not_clipped_and_a_longer_one_ends_with_a_whole_word() -> None:
    text = "слово за словом " * 10

    assert clip_to_tokens(text, estimate_tokens(text)) == text
    assert clip_to_tokens(text, 20).split()[-1] in {"слово", "за", "словом"}


def test_clipping_uses_nearly_all_of_the_room() -> None:
    assert estimate_tokens(clip_to_tokens("слово за словом " * 1000, 1500)) > 1490
    assert estimate_tokens(clip_to_tokens("слово" * 10_000, 1500)) > 1490
