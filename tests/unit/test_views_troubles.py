"""/errors and news of faults: what went wrong, when, and what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from storage.records import (
    DeliveryProgress,
    Doubt,
    Failure,
    Fault,
    PostStatus,
    RunState,
    RunTrouble,
    StrangerCount,
    Troubles,
)
from telegram_bot.views.choices import render_retry_choice
from telegram_bot.views.troubles import MAX_TROUBLES, render_faults, render_troubles
from tests.unit.view_examples import EN, RU, RUN, START, callbacks, labels, marked, progress

NOW = START + timedelta(hours=3)
REFUSED = Fault(1, START, "bots.token_refused", {}, 1, None)
UNTITLED = Fault(2, START + timedelta(hours=1), "schedule.no_sources", {"slug": "city"}, None, 9)
TITLES = {1: "Технодайджест"}
FAILED = RunTrouble(
    replace(
        progress(
            RunState.FAILED,
            {PostStatus.SET_ASIDE: 1},
            replace(RUN, id=5, failure=Failure("model.quota", {"status": 429, "model": "m-1"})),
        )
    )
)
DOUBTFUL = RunTrouble(
    replace(
        progress(RunState.DONE, {PostStatus.SET_ASIDE: 2}, ended_after_s=7200),
        delivery=DeliveryProgress(delivered=9, uncertain=3),
    ),
    "cut off",
    (Doubt(5, None, 0, START), Doubt(-100, "Fans", 1, START)),
)


def test_troubles_word_for_word() -> None:
    view = render_troubles(Troubles((REFUSED, UNTITLED), (DOUBTFUL, FAILED), TITLES), texts=EN, now=NOW)
    assert view.text == (
        "What went wrong lately\n\n"
        "Технодайджест, 1 hour ago (run 7)\n"
        "2 posts were set aside, because the model failed on them: cut off. They stay free: a digest of a longer "
        "period asks for them again, such as /digest tech-ru 3d.\n"
        "3 readers may or may not have the digest, because the connection broke while it was sent: chat 5, part 1; "
        "“Fans”, part 2; …. To send it once more, press the button that /status 7 shows.\n\n"
        "2 hours ago (run 9)\n"
        "A scheduled digest of the bot city was left out: the bot has no sources. Name some in its file and run: "
        "python -m pipeline bots apply FILE.toml\n\n"
        "Технодайджест, 3 hours ago (run 5)\n"
        "❌ The provider's quota for the model m-1 is used up (status 429). Top up the account or wait for the next "
        "period; what waits for it goes on by itself then. /retry 5 makes it again.\n\n"
        "Технодайджест, 3 hours ago\n"
        "Telegram does not accept this public bot's token. Get a new one from @BotFather, set it in the environment "
        "and run: python -m pipeline bots apply FILE.toml"
    )
    assert marked(view, "bold") == ["What went wrong lately", *["Технодайджест"] * 3]


def test_troubles_in_russian() -> None:
    text = render_troubles(Troubles((), (DOUBTFUL,), TITLES), texts=RU, now=NOW).text
    assert "2 поста отложены: модель с ними не справилась (cut off)." in text
    assert "(чат 5, часть 1; «Fans», часть 2; …). Отправить ещё раз — кнопкой под /status 7." in text


def test_without_troubles_it_says_so() -> None:
    assert render_troubles(Troubles((), (), {}), texts=EN, now=NOW).text == "Nothing went wrong lately."


def test_strangers_are_told_last() -> None:
    came = StrangerCount(people=3, times=17)
    text = render_troubles(Troubles((REFUSED,), (), TITLES, came), texts=EN, now=NOW).text
    assert text.endswith("\n\nIn the last day 3 strangers tried this bot, 17 times in all. They were shown nothing.")
    assert render_troubles(Troubles((), (), {}, StrangerCount(1, 1)), texts=RU, now=NOW).text == (
        "В последнее время всё шло хорошо.\n\n"
        "За последние сутки к этому боту обращались посторонние: 1 человек, всего 1 раз. Им ничего не показано."
    )


def test_what_is_in_doubt_after_a_cancellation_cannot_be_sent_again() -> None:
    cancelled = replace(DOUBTFUL.progress, run=replace(DOUBTFUL.progress.run, state=RunState.CANCELLED), posts={})
    text = render_troubles(Troubles((), (replace(DOUBTFUL, progress=cancelled),), {}), texts=EN, now=NOW).text
    assert "The delivery was ended, so it is not sent again." in text
    assert "/status" not in text


def test_a_reason_that_nobody_recorded_is_not_left_blank() -> None:
    text = render_troubles(Troubles((), (replace(DOUBTFUL, reason=None),), {}), texts=EN, now=NOW).text
    assert "no reason was recorded" in text


def test_an_operator_is_told_of_new_faults() -> None:
    assert render_faults([REFUSED], TITLES, texts=EN, now=START).text.startswith(
        "⚠️ Please have a look\n\nТехнодайджест, just now\nTelegram does not accept this public bot's token."
    )
    assert render_faults([UNTITLED], {}, texts=RU, now=NOW).text.startswith(
        "⚠️ Нужно ваше внимание\n\n2 часа назад (запуск 9)"
    )


@pytest.mark.parametrize("number", [MAX_TROUBLES, 300])
def test_a_flood_of_faults_is_one_message(number: int) -> None:
    long = Fault(1, START, "delivery.message_refused", {"reason": "🚀" * 5000}, 1, 7)
    titles = {1: "Т" * 500}
    for view in (
        render_faults([long] * number, titles, texts=RU, now=NOW),
        render_troubles(Troubles((long,) * number, (), titles, StrangerCount(10_000, 2**31)), texts=RU, now=NOW),
    ):
        assert len(view.text.encode("utf-16-le")) // 2 <= 4096


def test_faults_that_do_not_fit_are_counted() -> None:
    assert render_faults([REFUSED] * 10, TITLES, texts=EN, now=NOW).text.endswith("… and 2 more; see /errors.")
    assert "… and 2 older ones." in render_troubles(Troubles((REFUSED,) * 10, (), TITLES), texts=EN, now=NOW).text


def test_a_failed_run_is_chosen_by_a_button() -> None:
    view = render_retry_choice([FAILED.progress], texts=EN)
    assert (view.text, labels(view), callbacks(view)) == (
        "Which run shall I make again?",
        ["Технодайджест: run 5"],
        ["r1:5"],
    )
