"""The old program's bots, from data and from code: read and never run, and what is not understood is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.bots_file import read_bots_file, write_bots_file
from pipeline.sources.predecessor import Leftover, OldBot, read_bots
from pipeline.sources.predecessor.schedules import cron_of
from pipeline.sources.reading import BrokenFile

TOKEN = "700:AAF-token-of-an-old-bot-0123456789"
CODE = '''
import os
from textwrap import dedent

print("this must not be run", file=open("ran", "w"))
COMMON = "Только важное. "
CHANNELS = ["@cityline", "https://t.me/s/tram_news"]

class Base:
    pass

CITY = BotConfig(
    name="city",
    title="Город",
    token=os.environ["CITY_BOT"],
    prompt=COMMON + dedent("""
        Для жителей города.
    """),
    channels=CHANNELS,
    categories={"Транспорт": "трамваи, автобусы", "Парки": ["деревья", "скамейки"]},
    schedule=["09:00", "18:00"],
    greeting=make_greeting(),
)

class TechBot(Base):
    name = "tech"
    bot_token = "700:AAF-token-of-an-old-bot-0123456789"
    categorization_prompt = "Software only."
    summary_prompt = "Two sentences."
    categories = ["Software"]
    sources = ["habr"]
    time = "07:30"
    max_posts = 12
    model = "gpt-4"

BOTS = [CITY]
BOTS.append(CITY)
'''


def read(folder: Path, content: object, name: str = "bots.json") -> tuple[dict[str, OldBot], list[Leftover]]:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    bots, left = read_bots(path)
    return {bot.spec.slug: bot for bot in bots}, list(left)


def test_bots_are_read_from_code_that_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bots, left = read(tmp_path, CODE, "bots.py")
    assert not (tmp_path / "ran").exists()
    city, tech = bots["city"].spec, bots["tech"].spec
    assert city.sources == ("cityline", "tram_news")
    assert city.categorization_prompt == city.summarization_prompt == "Только важное. Для жителей города."
    assert (city.language, city.schedule, city.token_env) == ("ru", "0 9,18 * * *", "CITY_BOT")
    assert [(one.name, one.descriptions) for one in city.categories] == [
        ("Транспорт", ("трамваи, автобусы",)),
        ("Парки", ("деревья, скамейки",)),
    ]
    assert (tech.categorization_prompt, tech.summarization_prompt) == ("Software only.", "Two sentences.")
    assert (tech.schedule, tech.max_posts_per_digest, tech.token_env) == ("30 7 * * *", 12, "TECH_TOKEN")
    assert {one.where for one in left} >= {"CITY.greeting", "TechBot.model", "COMMON"}


def test_a_bot_is_named_by_the_key_it_stands_under_before_its_title(tmp_path: Path) -> None:
    old = {"title": "Tech day", "username": "tech_day_bot", "token": TOKEN, "prompt": "Software.", "channels": ["habr"]}
    bots, _ = read(tmp_path, {"tech": old, "other": {**old, "slug": "own"}})
    assert [(slug, bot.spec.title, bot.spec.token_env) for slug, bot in bots.items()] == [
        ("tech", "Tech day", "TECH_TOKEN"), ("own", "Tech day", "OWN_TOKEN"),
    ]  # fmt: skip
    listed, _ = read(tmp_path, {"bots": [old]})
    assert set(listed) == {"tech-day-bot"}


def test_a_token_is_kept_apart_from_the_file_and_out_of_sight(tmp_path: Path) -> None:
    bots, left = read(tmp_path, {"tech": {"token": TOKEN, "prompt": "Software.", "channels": ["habr"]}})
    assert bots["tech"].token == TOKEN
    assert TOKEN not in f"{bots}{left}{write_bots_file([bots['tech'].spec])}"


@pytest.mark.parametrize(
    "content",
    [
        [{"name": "city", "prompt": "Plain.", "channels": ["wire"]}],
        {"bots": [{"name": "city", "prompt": "Plain.", "channels": ["wire"]}]},
        {"bots": {"city": {"prompt": "Plain.", "sources": "wire"}}},
        {"city": {"prompts": {"categorize": "Plain.", "summarize": "Plain."}, "channels": ["@Wire"]}},
    ],
)
def test_what_was_read_is_a_bots_file_that_can_be_applied(tmp_path: Path, content: object) -> None:
    bots, left = read(tmp_path, content)
    written = tmp_path / "bots.toml"
    written.write_text(write_bots_file([bots["city"].spec]), encoding="utf-8")
    (spec,) = read_bots_file(written)
    assert (spec.slug, spec.sources, spec.categorization_prompt) == ("city", ("wire",), "Plain.")
    assert any("no categories" in one.why for one in left)


def test_a_folder_has_a_bot_in_each_file(tmp_path: Path) -> None:
    folder = tmp_path / "bots"
    folder.mkdir()
    (folder / "city.py").write_text('TOKEN = "$CITY"\nPROMPT = "Plain."\nCHANNELS = ("wire",)\n')
    (folder / "tech.json").write_text(json.dumps({"prompt": "Software.", "channels": ["habr"]}))
    bots, _ = read_bots(folder)
    assert [(bot.spec.slug, bot.spec.token_env) for bot in bots] == [("city", "CITY"), ("tech", None)]


def test_values_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    old = {"name": "Технодайджест", "prompt": "Кратко.", "channels": ["habr"], "categories": ["Наука"]}
    odd = {"schedule": "when there is news", "batch_size": 50, "language": "fr", "enabled": "maybe", "owner": 7}
    bots, left = read(tmp_path, [{**old, **odd}])
    assert list(bots) == ["tehnodaydzhest"]
    assert {one.where for one in left} == {
        "[0].schedule", "[0].batch_size", "[0].language", "[0].enabled", "[0].owner", "[0].categories[0]",
    }  # fmt: skip


def test_two_bots_of_one_name_are_not_mixed_up(tmp_path: Path) -> None:
    bots, left = read(tmp_path, [{"name": "city", "prompt": "A"}, {"name": "city", "prompt": "B"}])
    assert bots["city"].spec.categorization_prompt == "A"
    assert any("the same name" in one.why for one in left)


def test_a_file_without_a_bot_says_what_a_bot_is(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match="describes no bot"):
        read(tmp_path, {"version": 1})


@pytest.mark.parametrize(
    ("old", "cron"),
    [
        ("0 9 * * 1-5", "0 9 * * 1-5"),
        ("09:00", "0 9 * * *"),
        ("09:30, 18:30", "30 9,18 * * *"),
        (["18:00", "9:00"], "0 9,18 * * *"),
        ({"hour": 9}, "0 9 * * *"),
        ({"hours": [9, 21], "minute": 15}, "15 9,21 * * *"),
        ({"cron": "0 9 * * *"}, "0 9 * * *"),
        ("every 6 hours", "0 */6 * * *"),
        ("every 5 hours", None),
        (["09:00", "18:30"], None),
        ("soon", None),
        ({"hour": 25}, None),
    ],
)
def test_times_become_cron_expressions(old: object, cron: str | None) -> None:
    assert cron_of(old) == cron


def test_categories_that_all_bots_share_are_no_bot(tmp_path: Path) -> None:
    shared = {"categories": [{"name": "Parks", "prompt": "trees"}], "bots": [{"name": "city", "prompt": "Plain."}]}
    bots, left = read(tmp_path, shared)
    assert list(bots) == ["city"]
    assert "categories" in {one.where for one in left}
