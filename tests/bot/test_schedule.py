"""/schedule: when digests come out, in each bot's own time zone and in the reader's language."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from storage import public_bots
from storage.records import PublicBot
from telegram_bot.views.schedule import MAX_BOTS, render_schedule
from tests.bot.desk import Desk, utc_now
from tests.support import make_spec
from texts import Texts

NOW = datetime(2026, 10, 23, 12, tzinfo=UTC)  # two days before the clocks go back in Berlin
EVENING = make_spec("city", schedule="30 18 * * *", timezone="Europe/Berlin")


async def test_every_public_bot_is_shown_with_its_next_three_times(desk: Desk) -> None:
    await desk.open([], replace(EVENING, schedule="30 18 1 1 *"), make_spec("parks", title="Parks only"))
    text = (await desk.ask(desk.anna, "/schedule")).text
    this_year = datetime(utc_now().year, 1, 1, 17, 30, tzinfo=UTC)
    year = this_year.year + (utc_now() >= this_year)
    days = [f"{datetime(one, 1, 1, tzinfo=UTC):%a}, 1 Jan {one}, 18:30" for one in (year, year + 1, year + 2)]
    assert "City news (city)\n30 18 1 1 * (time zone Europe/Berlin)\nNext digests:\n• " + "\n• ".join(days) in text
    assert (
        'Parks only (parks)\nNo schedule. To give it one, add schedule = "0 9 * * *" to its bots file '
        "and run: python -m pipeline bots apply FILE.toml"
    ) in text


async def test_one_public_bot_is_shown_when_it_is_named(desk: Desk) -> None:
    await desk.open([], EVENING, make_spec("parks", title="Parks only"))
    text = (await desk.ask(desk.anna, "/schedule CITY")).text
    assert text.startswith("City news (city)\n")
    assert "Parks only" not in text
    assert (
        "There is no bot named nowhere. These exist: city, parks."
        in (await desk.ask(desk.anna, "/schedule nowhere")).text
    )


async def test_a_paused_bot_says_so(desk: Desk) -> None:
    await desk.open([], EVENING)
    async with desk.database.write() as session:
        assert await public_bots.set_paused(session, 1, utc_now(), is_paused=True)
    assert "⏸ Paused: no digest is made until it goes on." in (await desk.ask(desk.anna, "/schedule")).text
    assert "⏸ На паузе" in (await desk.ask(desk.boris, "/schedule")).text


async def test_without_public_bots_the_answer_says_how_to_make_one(desk: Desk) -> None:
    assert "There are no public bots yet." in (await desk.ask(desk.anna, "/schedule")).text


@pytest.mark.parametrize(
    ("language", "days"),
    [
        ("en", ["Fri, 23 Oct 2026, 18:30", "Sat, 24 Oct 2026, 18:30", "Sun, 25 Oct 2026, 18:30"]),
        ("ru", ["пт, 23 окт. 2026, 18:30", "сб, 24 окт. 2026, 18:30", "вс, 25 окт. 2026, 18:30"]),
    ],
)
def test_the_times_are_those_on_the_wall_even_after_the_clocks_change(language: str, days: list[str]) -> None:
    view = render_schedule([PublicBot(1, EVENING, has_token=False)], texts=Texts(language), now=NOW)
    assert view.text.endswith("\n".join(f"• {day}" for day in days))


def test_what_an_earlier_version_stored_is_shown_with_what_to_do() -> None:
    old = PublicBot(1, replace(EVENING, schedule="0 30 18 * * *"), has_token=False)
    view = render_schedule([old], texts=Texts("en"), now=NOW)
    assert "The schedule 0 30 18 * * * of the bot city cannot be used" in view.text
    assert "python -m pipeline bots apply FILE.toml" in view.text


def test_a_hundred_bots_fit_into_one_message() -> None:
    """With the longest names they may have, in the language with the longer words."""
    spec = replace(EVENING, slug="s" * 63, title="Ж" * 200, timezone="America/Argentina/ComodRivadavia")
    bots = [PublicBot(number, spec, has_token=False) for number in range(100)]
    view = render_schedule(bots, texts=Texts("ru"), now=NOW)
    assert len(view.text.encode("utf-16-le")) // 2 < 4096
    assert view.text.count("(" + "s" * 63 + ")") == MAX_BOTS
    assert view.text.endswith("… и ещё 90 ботов. Чтобы увидеть любого из них, напишите /schedule и его имя.")
