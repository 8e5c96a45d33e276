"""The bots file: what people write, and how their mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.bots_file import read_bots_file, write_bots_file
from pipeline.errors import ForPeople
from settings import HOME

GOOD = """
[[public_bots]]
slug = "tech-ru"
title = "Новости техники"
token_env = "TECH_RU_TOKEN"
language = "ru"
sources = ["one", "two"]
max_posts_per_digest = 15
schedule = "0 9 * * *"
timezone = "Europe/Moscow"
categorization_prompt = "Для инженеров."
summarization_prompt = "Кратко."
batch_size = 3
[[public_bots.categories]]
name = "Технологии"
description = "software and hardware"
examples = ["Вышла новая версия"]
[[public_bots.categories]]
name = "Наука"
description = ["science", "наука"]
"""


def read(tmp_path: Path, text: str) -> object:
    path = tmp_path / "bots.toml"
    path.write_text(text, encoding="utf-8")
    return read_bots_file(path)


def test_a_bots_file_is_read_and_written_back_the_same(tmp_path: Path) -> None:
    (spec,) = specs = read_bots_file(_written(tmp_path, GOOD))
    assert [one.descriptions for one in spec.categories] == [("software and hardware",), ("science", "наука")]
    assert (spec.slug, spec.batch_size, spec.approval) == ("tech-ru", 3, None)
    assert read_bots_file(_written(tmp_path, write_bots_file(specs))) == specs


def test_the_samples_are_good_examples() -> None:
    assert len(read_bots_file(HOME / "samples" / "bots.toml")) == 2


@pytest.mark.parametrize(
    ("old", "new", "key", "problem"),
    [
        ('slug = "tech-ru"', "", "public_bots[0].slug", "required"),
        ('slug = "tech-ru"', 'slug = "Tech Ru"', "public_bots[0].slug", "pattern"),
        ('title = "Новости техники"', "title = 5", "public_bots[0].title", "string"),
        ("batch_size = 3", "batch_size = 30", "public_bots[0].batch_size", "10"),
        ("batch_size = 3", "colour = 3", "public_bots[0].colour", "unknown key"),
        ("Europe/Moscow", "Europe/Nowhere", "public_bots[0].timezone", "time zone"),
        ("0 9 * * *", "at nine", "public_bots[0].schedule", "cron"),
        ("0 9 * * *", "0 0 9 * * *", "public_bots[0].schedule", "five fields"),
        ("0 9 * * *", "R 9 * * *", "public_bots[0].schedule", "chance"),
        ("0 9 * * *", "0 9 30 2 *", "public_bots[0].schedule", "never comes"),
        ('["one", "two"]', "[]", "public_bots[0].sources", "at least 1"),
        ('["science", "наука"]', "7", "public_bots[0].categories[1].description", "tuple"),
        ('name = "Наука"', 'name = "технологии"', "public_bots[0]", "two categories"),
        ('language = "ru"', 'language = "eo"', "public_bots[0].language", "'en' or 'ru'"),
        ("[[public_bots]]", "[[bots]]", "public_bots", "required"),
        ("[[public_bots]]", "[[public_bots", "the file", "not valid TOML"),
    ],
)
def test_a_mistake_names_its_key(tmp_path: Path, old: str, new: str, key: str, problem: str) -> None:
    assert old in GOOD
    text = (
        GOOD.replace(old, new)
        if old != "[[public_bots]]"
        else GOOD.replace(old, new).replace("public_bots.c", "bots.c")
    )
    with pytest.raises(ForPeople) as raised:
        read(tmp_path, text)
    assert raised.value.message_id == "bots.bad_file"
    assert raised.value.params["key"] == key
    assert problem in str(raised.value.params["problem"])


def test_two_bots_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ForPeople) as raised:
        read(tmp_path, GOOD + GOOD)
    assert raised.value.params["key"] == "public_bots[1].slug"


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ForPeople, match="No such file"):
        read_bots_file(tmp_path / "none.toml")


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "bots.toml"
    path.write_text(text, encoding="utf-8")
    return path
