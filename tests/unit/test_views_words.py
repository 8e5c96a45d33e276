"""Sources, help, choices and short answers; buttons that Telegram accepts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiogram.filters.callback_data import CallbackData
from aiogram.utils.formatting import Bold

from storage.records import RunState, Source, SourceKind, SourceOverview
from telegram_bot import callbacks as all_callbacks
from telegram_bot.callbacks import (
    AddSource,
    BotAction,
    CancelRun,
    ChooseBot,
    ExportReaders,
    NewInvitation,
    PauseBot,
    RetryRun,
    SendAgain,
    ShowBot,
    ShowBots,
)
from telegram_bot.views import answers
from telegram_bot.views.choices import (
    render_bot_choice,
    render_not_understood,
    render_part_in_doubt,
    render_problem,
    render_run_choice,
)
from telegram_bot.views.help import command_menu, render_help, render_start, render_stranger
from telegram_bot.views.sources import render_source_added, render_source_declined, render_source_offer, render_sources
from telegram_bot.views.view import View
from tests.unit.view_examples import BIGGEST_ID, EN, RU, START, callbacks, labels, marked, progress, public_bot

NOW = START + timedelta(hours=3)
HABR = Source(1, "habr", SourceKind.CHANNEL, "Хабр", -1001)
DUMP = Source(2, "dump", SourceKind.FILE, "Dump")


@pytest.mark.parametrize(
    "data",
    [
        CancelRun(run_id=BIGGEST_ID),
        ChooseBot(action=BotAction.DIGEST, bot_id=BIGGEST_ID, period="2024-12-01..2024-12-04", limit=10**9),
        ChooseBot(action=BotAction.DIGEST, bot_id=1),
        AddSource(chat_id=-BIGGEST_ID, add=False),
        SendAgain(run_id=BIGGEST_ID),
        ShowBots(page=BIGGEST_ID),
        ShowBot(bot_id=BIGGEST_ID, page=BIGGEST_ID),
        PauseBot(bot_id=BIGGEST_ID, page=BIGGEST_ID, pause=False),
        NewInvitation(bot_id=BIGGEST_ID, number=BIGGEST_ID),
        ExportReaders(bot_id=BIGGEST_ID),
        RetryRun(run_id=BIGGEST_ID),
    ],
)
def test_buttons_say_the_same_when_they_come_back_and_fit_into_64_bytes(data: CallbackData) -> None:
    packed = data.pack()
    assert len(packed.encode()) <= 64
    assert type(data).unpack(packed) == data


def test_button_prefixes_carry_a_version_and_are_all_different() -> None:
    found = [one for one in vars(all_callbacks).values() if isinstance(one, type) and issubclass(one, CallbackData)]
    prefixes = [one.__prefix__ for one in found if one is not CallbackData]
    assert {"c1", "b1", "s1", "a1", "v1", "p1"} <= set(prefixes)
    assert len(set(prefixes)) == len(prefixes)
    assert all(prefix[0].isalpha() and prefix[1:].isdecimal() for prefix in prefixes)


def test_sources_with_their_last_post() -> None:
    overviews = [SourceOverview(HABR, 1234, START), SourceOverview(DUMP, 0, None)]
    view = render_sources(overviews, texts=EN, now=NOW)
    assert view.text.startswith(
        "2 sources\n"
        "• Хабр (habr, channel): 1,234 posts, the last one 3 hours ago\n"
        "• Dump (dump, file): no posts yet\n\n"
        "To add a channel, make this bot its administrator"
    )
    assert marked(view, "bold") == ["2 sources", "Хабр", "Dump"]
    assert (
        "Хабр (habr, канал): 1\u00a0234 поста, последний 3 часа назад"
        in render_sources(overviews, texts=RU, now=NOW).text
    )


def test_without_sources_it_says_how_to_add_one() -> None:
    view = render_sources([], texts=EN, now=NOW)
    assert view.text == (
        "There are no sources yet.\n\n"
        "To add a channel, make this bot its administrator; it will ask you here. "
        "To add an export, run: python -m pipeline import PATH --source NAME"
    )
    assert marked(view, "code") == ["python -m pipeline import PATH --source NAME"]


def test_hundreds_of_sources_fit_into_one_message() -> None:
    long = SourceOverview(Source(1, "n" * 60, SourceKind.FILE, "🚀" * 500), 1, START)
    view = render_sources([long] * 300, texts=RU, now=NOW)
    assert len(view.text.encode("utf-16-le")) // 2 <= 4096
    assert len(view.entities) <= 100


def test_a_channel_is_offered_with_yes_and_no() -> None:
    view = render_source_offer("Хабр <b>", -1001, texts=EN)
    assert view.text.startswith("I am an administrator of “Хабр <b>” now. Make it a source?")
    assert (labels(view), callbacks(view)) == (["Yes, add it", "No"], ["s1:-1001:1", "s1:-1001:0"])
    assert "Сделать его источником?" in render_source_offer("Хабр", -1001, texts=RU).text
    assert render_source_added("Хабр", "habr", texts=RU).text == (
        "«Хабр» теперь источник, новые посты сохраняются. В файле ботов его имя — habr."
    )
    assert render_source_declined("Хабр", texts=EN).text.startswith("“Хабр” stays out; none of its posts is stored.")


def test_help_lists_the_commands_that_are_in_the_menu() -> None:
    for texts in (EN, RU):
        menu = command_menu(texts)
        assert [one.command for one in menu] == [
            *("digest", "status", "cancel", "errors", "retry"),
            *("bots", "subscribers", "schedule", "sources", "health", "selftest", "help"),
        ]
        assert all(1 <= len(one.description) <= 256 for one in menu)
        for view in (render_help(texts), render_start(texts)):
            assert all(f"/{one.command}" in view.text and one.description in view.text for one in menu)
    assert "/digest [бот] [период] [сколько] — сделать дайджест" in render_help(RU).text


def test_strangers_get_one_polite_line_with_their_id() -> None:
    assert render_stranger(12345, texts=EN).text == "This bot serves its newsroom. Your Telegram id is 12345."
    assert render_stranger(12345, texts=RU).text == "Этот бот работает для своей редакции. Ваш Telegram id — 12345."


def test_a_bot_is_chosen_by_a_button_that_keeps_period_and_limit() -> None:
    view = render_bot_choice([public_bot(1), public_bot(2, "Second: 🚀")], period="24h", limit=10, texts=EN)
    assert labels(view) == ["Технодайджест", "Second: 🚀"]
    assert callbacks(view) == ["b1:d:1:24h:10", "b1:d:2:24h:10"]
    assert callbacks(render_bot_choice([public_bot(1)], period=None, limit=None, texts=EN)) == ["b1:d:1::"]


def test_more_bots_than_buttons_are_named_otherwise() -> None:
    view = render_bot_choice([public_bot(n) for n in range(60)], period=None, limit=None, texts=EN)
    assert len(labels(view)) == 50
    assert "for another one write /digest and its name" in view.text


def test_a_run_to_cancel_is_chosen_by_a_button() -> None:
    view = render_run_choice([progress(RunState.SELECTING)], texts=EN)
    assert (view.text, callbacks(view)) == ("Which run shall I cancel?", ["c1:7"])
    assert labels(view)[0].startswith("Технодайджест: Choosing the best posts")


def test_a_part_in_doubt_can_be_sent_again() -> None:
    view = render_part_in_doubt(7, 2, texts=EN)
    assert view.text.startswith("Part 2 of the digest may not have arrived")
    assert callbacks(view) == ["a1:7"]


def test_what_was_not_understood_is_named_with_an_example() -> None:
    assert render_not_understood("digest", "foo <b>\n" + "x" * 500, texts=EN).text.startswith(
        "I did not understand “foo <b> xxx"
    )
    assert render_not_understood("cancel", "all", texts=RU).text == (
        "Не понимаю «all». Пример, который сработает: /cancel 7"
    )
    assert "python -m pipeline bots apply FILE.toml" in render_problem("digest.no_bots", {}, texts=EN).text


def test_an_error_for_people_is_said_in_their_language() -> None:
    params = {"slug": "teh", "known": "tech-ru, world"}
    assert render_problem("digest.unknown_bot", params, texts=EN).text == (
        "There is no bot named teh. These exist: tech-ru, world."
    )
    assert render_problem("digest.unknown_bot", params, texts=RU).text == "Бота teh нет. Есть такие: tech-ru, world."
    assert len(render_problem("model.unavailable", {"reason": "x" * 9999}, texts=EN).text) < 500


def test_short_answers_fit_into_what_telegram_shows() -> None:
    for texts in (EN, RU):
        said = [
            answers.cancelling(texts),
            answers.already_ended(texts),
            answers.already_going_on(texts),
            answers.sending_again(texts),
            answers.outdated_button(texts),
            answers.not_for_strangers(BIGGEST_ID, texts=texts),
        ]
        assert len(set(said)) == len(said)
        assert all(0 < len(one) <= 200 for one in said)


def test_a_view_is_sent_without_a_parse_mode_and_without_previews() -> None:
    view = View.of("a < b & *c* \u202e", "\x00!")
    sent = view.as_kwargs()
    assert (sent["text"], sent["entities"], sent["parse_mode"]) == ("a < b & *c* !", [], None)
    assert sent["link_preview_options"].is_disabled is True


def test_a_view_that_is_too_long_is_clipped_with_its_formatting() -> None:
    view = View.of(Bold("start"), "🚀" * 3000, Bold("end"))
    assert len(view.text.encode("utf-16-le")) // 2 <= 4096
    assert view.text.endswith("🚀…")
    assert marked(view, "bold") == ["start"]
