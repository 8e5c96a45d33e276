"""One bad item of a model's answer costs that item, and nothing that a model writes gets further unchecked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.stages.answers import parse_summaries, parse_verdicts
from storage.records import Category, Summary, Verdict

CATEGORIES = (Category("Технологии", ("x",)), Category("World News", ("y",)))
KEYS = ("p1", "p2", "p3")


def verdict(category: Any = "Технологии", importance: Any = 3, reason: Any = "потому") -> dict[str, Any]:
    return {"category": category, "importance": importance, "reason": reason}


def verdicts(answer: Any, keys: tuple[str, ...] = KEYS) -> tuple[dict[str, Verdict], dict[str, str]]:
    content = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    items, problems = parse_verdicts(content, keys, CATEGORIES)
    assert sorted([*items, *problems]) == sorted(keys), "every post is accounted for, once"
    return items, problems


def summary(**fields: Any) -> Summary:
    items, problems = parse_summaries(json.dumps({"p1": {"headline": "H", "summary": "S.", **fields}}), ["p1"])
    assert not problems
    return items["p1"]


GOOD = {key: verdict() for key in KEYS}
TEXT = json.dumps(GOOD, ensure_ascii=False)


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        json.dumps(GOOD, indent=2),
        f"```json\n{TEXT}\n```",
        f"Here is the {{answer}}:\n{TEXT}\nI hope that helps {{really}}.",
        f"<think>Perhaps {TEXT.replace('3', '5')}?</think>\n{TEXT}",
        json.dumps({"posts": GOOD}),
        TEXT[:-1] + ",}",
        "\ufeff" + TEXT,
    ],
)
def test_an_answer_is_found_in_whatever_stands_around_it(content: str) -> None:
    items, problems = verdicts(content)

    assert not problems
    assert items["p2"] == Verdict("Технологии", 3, "потому")


@pytest.mark.parametrize(
    "content",
    ["", "I cannot do that.", "[1, 2]", "null", "{" * 100_000, "[" * 100_000, '{"a":' * 50_000, "{}{}", "\x00"],
)
def test_a_text_without_an_answer_is_a_problem_of_every_post(content: str) -> None:
    items, problems = verdicts(content)

    assert not items
    assert set(problems) == set(KEYS)


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "Технологии",
        ["Технологии", 3],
        {},
        verdict(category="Спорт"),
        verdict(category=None),
        verdict(category=["Технологии"]),
        verdict(category=""),
        verdict(importance=0),
        verdict(importance=6),
        verdict(importance=3.5),
        verdict(importance=True),
        verdict(importance=None),
        verdict(importance="high"),
        verdict(importance="33"),
        verdict(importance=float("nan")),
        verdict(importance=10**30),
    ],
)
def test_a_bad_item_is_a_problem_of_its_post_only(bad: Any) -> None:
    items, problems = verdicts({**GOOD, "p2": bad})

    assert set(items) == {"p1", "p3"}
    assert problems["p2"]


def test_a_missing_item_is_a_problem_and_an_extra_one_is_never_taken_for_it() -> None:
    items, problems = verdicts({"p1": verdict(), "p3": verdict(), "p4": verdict(), "P2": verdict(), "p02": verdict()})

    assert set(items) == {"p1", "p3"}
    assert problems == {"p2": "no answer for this post"}


def test_two_answers_for_one_post_are_none() -> None:
    items, problems = verdicts(f'{{"p1": {json.dumps(verdict())}, {TEXT[1:]}')

    assert set(items) == {"p2", "p3"}
    assert problems == {"p1": "several answers for this post"}


@pytest.mark.parametrize(("cut_at", "whole"), [('"p1"', 0), ('"p2"', 1), ('"p3"', 2)])
def test_of_an_answer_that_was_cut_off_the_whole_items_are_kept(cut_at: str, whole: int) -> None:
    for chars in (0, 4, 8, 30):
        items, _ = verdicts(TEXT[: TEXT.index(cut_at) + chars])

        assert list(items) == list(KEYS[:whole])


@pytest.mark.parametrize(
    ("answered", "category"),
    [
        ("технологии", "Технологии"),
        ("  ТЕХНОЛОГИИ\n", "Технологии"),
        ("world  news", "World News"),
        ("none", None),
        ("None", None),
    ],
)
def test_the_case_of_a_category_and_the_space_around_it_do_not_matter(answered: str, category: str | None) -> None:
    assert verdicts({"p1": verdict(answered)}, ("p1",))[0]["p1"].category == category


@pytest.mark.parametrize("answered", [4, "4", " 4 ", 4.0, "4.0"])
def test_an_importance_may_be_written_in_several_ways(answered: Any) -> None:
    assert verdicts({"p1": verdict(importance=answered)}, ("p1",))[0]["p1"] == Verdict("Технологии", 4, "потому")


def test_a_verdict_does_not_fail_for_want_of_a_reason_and_a_long_reason_is_clipped() -> None:
    items, problems = verdicts({"p1": verdict(reason=None), "p2": verdict(reason="слово " * 1000), "p3": verdict()})

    assert not problems
    assert items["p1"].reason == ""
    assert len(items["p2"].reason) <= 300


def test_a_reason_holds_no_link() -> None:
    items, _ = verdicts({"p1": verdict(reason="см. https://evil.example/x и @evil_bot сейчас")}, ("p1",))

    assert items["p1"].reason == "см. и сейчас"


@pytest.mark.parametrize(
    "bad",
    [
        {"headline": "", "summary": "S."},
        {"headline": " \u200b\n", "summary": "S."},
        {"headline": None, "summary": "S."},
        {"headline": 5, "summary": "S."},
        {"headline": "H"},
        {"summary": "S."},
        {"headline": "H", "summary": ["S."]},
    ],
)
def test_a_summary_without_headline_or_text_is_a_problem_of_its_post_only(bad: dict[str, Any]) -> None:
    items, problems = parse_summaries(json.dumps({"p1": bad, "p2": {"headline": "H", "summary": "S."}}), ["p1", "p2"])

    assert items == {"p2": Summary("H", "S.")}
    assert set(problems) == {"p1"}


@pytest.mark.parametrize(
    ("answered", "headline"),
    [
        ("**Вышел Python 3.15**", "Вышел Python 3.15"),
        ("## Вышел Python", "Вышел Python"),
        ("- Вышел Python", "Вышел Python"),
        ('"Вышел Python"', "Вышел Python"),
        ("`Вышел Python`", "Вышел Python"),
        ("<b>Вышел</b> Python<br/>3.15", "Вышел Python 3.15"),
        ("[Вышел Python](https://evil.example/x)", "Вышел Python"),
        ("**Вышел** Python и **пайтон**", "Вышел Python и пайтон"),
        ("«Спартак» обыграл «Зенит»", "«Спартак» обыграл «Зенит»"),
        ('"Спартак" обыграл "Зенит"', '"Спартак" обыграл "Зенит"'),
        ("Цена a < b и c > d", "Цена a < b и c > d"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("-5 °C в Москве", "-5 °C в Москве"),
        ("Вышел\n\n  Python\t3.15", "Вышел Python 3.15"),
        ("Вышел\x00\x1b\u202e Python\ud800", "Вышел Python"),
    ],
)
def test_headlines_are_plain_text_on_one_line(answered: str, headline: str) -> None:
    assert summary(headline=answered).headline == headline


def test_long_headlines_end_with_a_whole_word_and_long_summaries_with_a_whole_sentence() -> None:
    long = summary(headline="слово " * 100, summary="Это предложение из шести разных слов. " * 100)

    assert len(long.headline) <= 200
    assert long.headline.endswith("слово…")
    assert 900 < len(long.text) <= 1000
    assert long.text.endswith("разных слов.")


def test_a_summary_of_one_endless_sentence_is_clipped_at_a_word() -> None:
    text = summary(summary="слово " * 1000).text

    assert 900 < len(text) <= 1000
    assert text.endswith("слово…")


def test_an_empty_summary_is_good_where_the_headline_says_all() -> None:
    assert summary(summary="").text == ""
