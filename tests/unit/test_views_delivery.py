"""The card of a delivery: how far it has got, what holds it up, and in the end who has the digest and who has not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from pipeline.stages.display_text import units
from storage.records import Action, ActionKind, DeliveryProgress, Failure, RunProgress, RunState, Unreached
from telegram_bot.callbacks import DeliveryAction, SteerDelivery
from telegram_bot.views.card import render_card
from telegram_bot.views.card_stage import stage_in_words
from telegram_bot.views.view import View
from tests.unit.test_views_card import DONE, FOOT_EN, FOOT_RU, HEAD_EN, HEAD_RU
from tests.unit.view_examples import BIGGEST_ID, BORIS, EN, RU, RUN, act, at, callbacks, labels, progress
from texts import Texts

A = ActionKind
NOW = at(80)
PUBLISHED = act(A.PUBLISH, 20)
HALF_WAY = DeliveryProgress(waiting=380, delivered=117, failed=2, uncertain=1, reasons={"blocked": 2})
ENDED = DeliveryProgress(delivered=480, failed=12, uncertain=8, reasons={"stopped": 1, "blocked": 9, "deactivated": 2})
FUNNEL = (
    "Seen 71 → fresh 67 → distinct 64 → relevant 32 → chosen 12\n⚠️ 2 posts were set aside: the model failed on them."
)
CANCEL_MEANS = "\n\nCancel ends it for those who still wait; those who have the digest keep it."


def delivering(delivery: DeliveryProgress | None = HALF_WAY, *actions: Action, **changes: object) -> RunProgress:
    """Since a minute before the card is looked at."""
    run = replace(RUN, stage_started_at=at(20), **changes)  # type: ignore[arg-type]
    return replace(progress(RunState.DELIVERING, DONE, run), delivery=delivery, actions=actions, readers=500)


def over(state: RunState, delivery: DeliveryProgress | None, *actions: Action, failure: str = "") -> RunProgress:
    run = replace(RUN, failure=Failure(failure, {"reason": "message is too long"}) if failure else None)
    return replace(progress(state, DONE, run), delivery=delivery, actions=actions)


def card(given: RunProgress, texts: Texts = EN, *, now: datetime = NOW, worker_available: bool = True) -> View:
    return render_card(
        given, texts=texts, now=now, worker_available=worker_available, prices_known=True, messages_per_second=25
    )


def test_a_delivery_that_goes_on_word_for_word() -> None:
    view = card(delivering(HALF_WAY, PUBLISHED))
    assert view.text == (
        HEAD_EN + "Sending the digest\n"
        "▰▰▱▱▱▱▱▱▱▱ 120 of 500\n"
        "Delivered 117 · failed 2 · uncertain 1\n"
        "1 min passed · about 3 min 10 s left · 2 readers/s" + CANCEL_MEANS + "\n\nPublished by Anna at 09:00" + FOOT_EN
    )
    assert (labels(view), callbacks(view)) == (
        ["Pause", "Cancel", "Resend uncertain (1)"],
        ["y1:7:p", "c1:7", "y1:7:u"],
    )
    assert card(delivering(HALF_WAY, PUBLISHED), RU).text == (
        HEAD_RU + "Отправляю дайджест\n"
        "▰▰▱▱▱▱▱▱▱▱ 120 из 500\n"
        "Доставлено 117 · не дошло 2 · неясно 1\n"
        "Прошло 1 мин · осталось около 3 мин 10 с · 2 читателей/с\n\n"
        "Отмена остановит отправку тем, кто ещё ждёт; у кого дайджест уже есть, у тех он останется.\n\n"
        "Опубликовано: Anna, 09:00" + FOOT_RU
    )


def test_the_time_left_is_told_before_anybody_has_it() -> None:
    assert (
        "0 of 500\nDelivered 0 · failed 0 · uncertain 0\n1 s passed · about 20 s left\n"
        in card(delivering(None), now=at(21)).text
    )


def test_a_paused_delivery_says_who_holds_it_and_how_to_go_on() -> None:
    given = delivering(HALF_WAY, PUBLISHED, act(A.PAUSE_DELIVERY, 70, BORIS), is_paused=True)
    view = card(given)
    assert view.text == (
        HEAD_EN + "⏸ Paused: nothing is sent. Press Resume to go on with those who still wait.\n"
        "▰▰▱▱▱▱▱▱▱▱ 120 of 500\n"
        "Delivered 117 · failed 2 · uncertain 1"
        + CANCEL_MEANS
        + "\n\nPublished by Anna at 09:00\nPaused by Борис at 09:01"
        + FOOT_EN
    )
    assert (labels(view), callbacks(view)) == (
        ["Resume", "Cancel", "Resend uncertain (1)"],
        ["y1:7:r", "c1:7", "y1:7:u"],
    )
    assert card(given, now=at(3600)) == view, "no clock runs on it"
    assert "⏸ Пауза: ничего не отправляется. Нажмите «Продолжить»" in card(given, RU).text


@pytest.mark.parametrize(
    ("change", "english", "russian"),
    [
        (
            {"parked_until": at(7200)},
            "⏳ Telegram told this bot to be silent until 11:00. It goes on by itself then.",
            "⏳ Telegram велел этому боту молчать до 11:00. Потом отправка продолжится сама.",
        ),
        (
            {"parked_until": at(86400)},
            "until 09:00 on 3 December. It goes on by itself then.",
            "молчать до 09:00 3 декабря. Потом",
        ),
        (
            {"waits_because": "Telegram cannot be reached"},
            "⏳ Nothing gets through for now (Telegram cannot be reached). It is tried again by itself.",
            "⏳ Пока ничего не доходит (Telegram cannot be reached). Отправка повторится сама.",
        ),
        (
            {"is_bot_paused": True},
            "⏸ This bot is paused as a whole: nothing is sent until it goes on. See /bots.",
            "⏸ Этот бот на паузе целиком: ничего не отправляется, пока его не включат. См. /bots.",
        ),
        (
            {"token_fault": "bots.token_refused"},
            "⚠️ Telegram does not accept this public bot's token. Get a new one from @BotFather",
            "⚠️ Telegram не принимает токен этого публичного бота. Получите новый у @BotFather",
        ),
    ],
)
def test_what_holds_a_delivery_up_is_told_in_its_place(change: dict[str, object], english: str, russian: str) -> None:
    given = replace(delivering(), **change)  # type: ignore[arg-type]
    text = card(given).text
    assert english in text
    assert "passed" not in text
    assert "The model" not in text
    assert russian in card(given, RU).text


def test_a_silence_that_is_over_is_not_told() -> None:
    assert "silent" not in card(replace(delivering(), parked_until=at(79))).text


def test_a_digest_that_waits_for_its_time_says_when_and_to_whom_it_goes() -> None:
    given = delivering(None, publish_at=at(3600))
    view = card(given)
    assert view.text == (
        HEAD_EN + "⏰ The digest is ready. It goes out at 10:00 by itself.\nIt would go to 500 readers." + FOOT_EN
    )
    assert labels(view) == ["Pause", "Cancel"]
    assert "⏰ Дайджест готов. Отправка начнётся сама в 10:00.\nЕго получат 500 читателей." in card(given, RU).text
    assert "Sending the digest" in card(given, now=at(3600)).text


def test_without_a_worker_the_card_of_a_delivery_says_so() -> None:
    assert "⚠️ No worker answers." in card(delivering(), worker_available=False).text


def test_a_delivery_that_has_ended_word_for_word() -> None:
    view = card(over(RunState.DONE, ENDED, act(A.START, 0), PUBLISHED))
    assert view.text == (
        HEAD_EN + "✅ Delivered to 480 of 500 readers: 12 posts.\n\n"
        "✖️ Not reached: 12 (9 blocked the bot, 2 accounts are gone, 1 left before their turn).\n"
        "❔ Uncertain: 8. Sending broke off in the middle, so nobody knows whether it arrived. "
        "It is not sent again by itself; if you resend it, some may get it twice.\n\n"
        + FUNNEL
        + "\n\nPublished by Anna at 09:00"
        + FOOT_EN
    )
    assert (labels(view), callbacks(view)) == (["Resend uncertain (8)"], ["y1:7:u"])
    russian = card(over(RunState.DONE, ENDED, PUBLISHED), RU)
    assert (
        "✅ Доставлено: 480 из 500 читателей: 12 постов.\n\n"
        "✖️ Не дошло: 12 (9 заблокировали бота, 2 аккаунтов больше нет, 1 отписался раньше своей очереди).\n"
        "❔ Неясно: 8. Отправка оборвалась на полпути"
    ) in russian.text
    assert labels(russian) == ["Повторить неясным (8)"]


def test_a_delivery_that_reached_everybody_says_only_that() -> None:
    view = card(over(RunState.DONE, DeliveryProgress(delivered=2)))
    assert view.text == HEAD_EN + "✅ Delivered to all 2 readers: 12 posts.\n\n" + FUNNEL + FOOT_EN
    assert callbacks(view) == []


@pytest.mark.parametrize("reason", [*Unreached, "of another version"])
def test_every_reason_has_words_in_both_languages(reason: str) -> None:
    given = over(RunState.DONE, DeliveryProgress(delivered=1, failed=1, reasons={reason: 1}))
    for texts, before in ((EN, "Not reached: 1 "), (RU, "Не дошло: 1")):
        text = card(given, texts).text
        assert before in text
        assert "unreached." not in text


def test_a_published_digest_that_nobody_reads_says_so() -> None:
    text = card(over(RunState.DONE, None, PUBLISHED)).text
    assert "💤 Published, but this bot has no readers yet. Invite some with /subscribers." in text


def test_a_cancelled_delivery_says_who_keeps_it_and_who_cancelled() -> None:
    delivery = DeliveryProgress(waiting=3, delivered=117, failed=380, reasons={"cancelled": 380})
    view = card(over(RunState.CANCELLED, delivery, PUBLISHED, act(A.CANCEL, 70, BORIS)))
    assert view.text == (
        HEAD_EN + "⏹ Cancelled while it was being sent. Those who have the digest keep it.\n"
        "Delivered to 117 of 500 readers.\n\n"
        "✖️ Not reached: 380 still waited when it was cancelled.\n"
        "On its way to 3 readers; this card tells what comes of it.\n\n"
        "Published by Anna at 09:00\nCancelled by Борис at 09:01" + FOOT_EN
    )
    assert callbacks(view) == []


def test_a_delivery_that_was_cancelled_in_time_leaves_the_posts_free() -> None:
    delivery = DeliveryProgress(failed=500, reasons={"cancelled": 500})
    assert (
        "⏹ Cancelled before anybody was sent it. Its posts stay free" in card(over(RunState.CANCELLED, delivery)).text
    )


def test_a_delivery_that_was_stopped_because_of_the_message_says_what_telegram_said() -> None:
    delivery = DeliveryProgress(delivered=3, failed=497, reasons={"halted": 497})
    text = card(over(RunState.FAILED, delivery, failure="delivery.message_refused")).text
    assert "Telegram refused the digest itself" in text
    assert "message is too long" in text
    assert "✖️ Not reached: 497 because Telegram refused the digest itself." in text


def test_a_resend_is_told_with_who_wanted_it() -> None:
    again = act(A.RESEND, 70, BORIS, readers=8)
    assert "Uncertain ones resent by Борис at 09:01" in card(over(RunState.DONE, ENDED, PUBLISHED, again)).text


def test_status_says_how_many_readers_were_served() -> None:
    assert stage_in_words(delivering(), EN) == "Sending the digest (120 of 500)"
    assert stage_in_words(delivering(is_paused=True), RU) == "На паузе (120 из 500)"


def test_a_delivery_with_every_trouble_stays_within_one_message() -> None:
    many = DeliveryProgress(10**9, 10**9, 10**9, 10**9, dict.fromkeys([*Unreached, *map(str, range(50))], 10**9))
    title = "Т" * 500
    for state in (RunState.DELIVERING, RunState.DONE, RunState.CANCELLED, RunState.FAILED):
        given = over(state, many, *[act(kind, 0) for kind in ActionKind] * 9, failure="delivery.message_refused")
        given = replace(given, run=replace(given.run, bot_title=title), waits_because="🚀" * 5000)
        for texts in (EN, RU):
            assert units(card(given, texts, worker_available=False).text) <= 4096


def test_the_largest_run_fits_into_a_button() -> None:
    assert len(SteerDelivery(run_id=BIGGEST_ID, action=DeliveryAction.RESEND).pack()) <= 64
