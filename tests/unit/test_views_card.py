"""The card tells the operator where the run is, what it costs, and in the end what came of it and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.stages.funnel import Funnel, funnel
from pipeline.stages.pace import eta, stage_counts
from storage.records import DeliveryProgress, Engine, Failure, PostStatus, QuietDay, RunProgress, RunState
from telegram_bot.views.card import render_card
from telegram_bot.views.card_stage import bar
from telegram_bot.views.view import View
from tests.unit.view_examples import EN, RU, RUN, START, callbacks, labels, marked, progress
from texts import Texts

P = PostStatus
HEAD_EN = "Технодайджест\n1 Dec, 09:00 – 2 Dec 2024, 09:00\n\n"
HEAD_RU = "Технодайджест\n1 дек., 09:00 — 2 дек. 2024, 09:00\n\n"
FOOT_EN = "\n\n12,345 tokens · 6 model calls · cost 0.0123\nModel: gpt-4.1-mini"
FOOT_RU = "\n\n12\u00a0345 токенов · 6 запросов к модели · стоимость 0,0123\nМодель: gpt-4.1-mini"
SORTING = {P.FRESH: 18, P.CATEGORIZED: 11, P.SET_ASIDE: 1, P.DUPLICATE: 3, P.GIVEN_BEFORE: 5}
DONE = {P.SUMMARIZED: 12, P.PASSED_OVER: 20, P.IRRELEVANT: 30, P.SET_ASIDE: 2, P.GIVEN_BEFORE: 4, P.DUPLICATE: 3}


def card(
    given: RunProgress,
    texts: Texts = EN,
    *,
    worker_available: bool = True,
    prices_known: bool = True,
    digest_items: int | None = None,
    auto_chosen: bool = False,
) -> View:
    return render_card(
        given,
        texts=texts,
        now=START + timedelta(seconds=80),
        worker_available=worker_available,
        prices_known=prices_known,
        digest_items=digest_items,
        auto_chosen=auto_chosen,
    )


def test_a_run_that_sorts_its_posts_word_for_word() -> None:
    view = card(progress(RunState.CATEGORIZING, SORTING))
    assert view.text == (
        HEAD_EN + "Sorting the posts into categories\n"
        "▰▰▰▰▱▱▱▱▱▱ 12 of 30\n"
        "1 min 20 s passed · about 2 min left" + FOOT_EN
    )
    assert card(progress(RunState.CATEGORIZING, SORTING), RU).text == (
        HEAD_RU + "Раскладываю посты по категориям\n"
        "▰▰▰▰▱▱▱▱▱▱ 12 из 30\n"
        "Прошло 1 мин 20 с · осталось около 2 мин" + FOOT_RU
    )
    assert marked(view, "bold") == ["Технодайджест"]
    assert (labels(view), callbacks(view)) == (["Cancel"], ["c1:7"])


def test_a_digest_that_is_ready_word_for_word() -> None:
    given = progress(RunState.DONE, DONE)
    assert card(given).text == (
        HEAD_EN + "✅ The digest is ready: 12 posts in 1 min 20 s.\n\n"
        "Seen 71 → fresh 67 → distinct 64 → relevant 32 → chosen 12\n"
        "⚠️ 2 posts were set aside: the model failed on them." + FOOT_EN
    )
    assert card(given, RU).text == (
        HEAD_RU + "✅ Дайджест готов: 12 постов за 1 мин 20 с.\n\n"
        "Всего 71 → новых 67 → без повторов 64 → по теме 32 → выбрано 12\n"
        "⚠️ 2 поста отложены: модель с ними не справилась." + FOOT_RU
    )
    assert "1 post in" in card(given, digest_items=1).text


def test_a_failure_says_why_and_what_to_do_next() -> None:
    failure = Failure("model.key_refused", {"status": 401, "model": "gpt-4.1-mini"})
    given = progress(RunState.FAILED, {P.DROPPED: 5}, replace(RUN, failure=failure))
    assert card(given).text == (
        HEAD_EN + "❌ The run failed after 1 min 20 s.\n"
        "The provider refused the key for the model gpt-4.1-mini (status 401). "
        "Put a valid key into DIGEST_LLM__API_KEY and restart the bot and the workers; "
        "what waits for it goes on by itself then." + FOOT_EN
    )
    assert "Провайдер не принял ключ для модели gpt-4.1-mini (статус 401)." in card(given, RU).text


def test_a_failure_of_an_unknown_kind_is_still_told() -> None:
    stored = progress(RunState.FAILED, run=replace(RUN, failure=Failure("gone.long_ago", {"post": 3})))
    assert "gone.long_ago (post: 3)" in card(stored).text
    assert "The reason was not recorded" in card(progress(RunState.FAILED)).text


def test_a_cancelled_run_word_for_word() -> None:
    assert card(progress(RunState.CANCELLED)).text == (
        HEAD_EN + "⏹ Cancelled after 1 min 20 s. The posts stay free for the next digest." + FOOT_EN
    )


@pytest.mark.parametrize("notice", ["restored", "lost_time"])
def test_a_run_that_a_restore_ended_says_that_its_posts_are_held_back_and_what_gives_them(notice: str) -> None:
    ended = progress(RunState.CANCELLED, run=replace(RUN, notice=notice))
    assert "⏹ Cancelled when the database was restored. Its posts are held back.\n" in card(ended).text
    assert f"/retry {RUN.id} gives" in card(ended).text
    assert f"/retry {RUN.id}" in card(ended, RU).text


def test_posts_that_are_held_back_since_a_restore_are_not_called_given() -> None:
    given = progress(RunState.DONE, {P.GIVEN_BEFORE: 4}, run=replace(RUN, notice="held_back"))
    assert "All posts of this period were given earlier, or may have been.\n" in card(given).text


@pytest.mark.parametrize(
    ("posts", "reason"),
    [
        ({}, "No posts came in this period. Try a longer one, such as /digest tech-ru 3d, or look at /sources."),
        ({P.GIVEN_BEFORE: 4}, "All posts of this period were given in earlier digests."),
        ({P.GIVEN_BEFORE: 4, P.DUPLICATE: 1}, "All new posts repeat others."),
        ({P.IRRELEVANT: 4, P.DUPLICATE: 1}, "None of the posts fits this bot's categories."),
        ({P.IRRELEVANT: 4, P.SET_ASIDE: 1}, "The posts fit no category or were set aside"),
        ({P.PASSED_OVER: 1, P.IRRELEVANT: 4}, "A quiet day: only 1 post fits the bot's categories"),
        ({P.CHOSEN: 1}, "Posts were chosen, but none of them could be summarized."),
    ],
)
def test_a_run_that_gives_nothing_says_why(posts: Mapping[PostStatus, int], reason: str) -> None:
    text = card(progress(RunState.DONE, posts)).text
    assert f"💤 Done in 1 min 20 s, but there is nothing to give.\n{reason}" in text
    assert ("Seen" in text) == bool(posts)


def test_a_skipped_quiet_day_says_how_many_there_were_and_what_to_change() -> None:
    given = progress(
        RunState.DONE, {P.PASSED_OVER: 2, P.IRRELEVANT: 4}, replace(RUN, min_posts=5, quiet_day=QuietDay.SKIP)
    )
    assert (
        "💤 Done in 1 min 20 s, but there is nothing to give.\n"
        "A quiet day: only 2 posts fit the bot's categories, and a digest needs 5 at least. "
        "They stay free for the next one. To have short digests, lower min_posts or set quiet_day to shorten.\n"
    ) in card(given).text
    assert "по теме нашлось только 2 поста, а для дайджеста нужно не меньше 5." in card(given, RU).text


def test_a_quiet_day_that_was_said_tells_how_quiet_it_was_and_who_was_told() -> None:
    run = replace(RUN, min_posts=5, quiet_day=QuietDay.SAY)
    some = progress(RunState.DONE, {P.PASSED_OVER: 1, P.IRRELEVANT: 4}, run)
    said = "💤 A quiet day: 1 post fits the bot's categories, and a digest needs 5 at least. The digest says so.\n"
    assert said in card(some).text
    assert "nothing to give" not in card(some).text
    delivered = replace(some, delivery=DeliveryProgress(delivered=2))
    assert said + EN.plural("delivery.delivered_to_all", 2) in card(delivered).text
    none = progress(RunState.DONE, {P.GIVEN_BEFORE: 4}, run)
    assert "0 posts fit" in card(none).text
    assert "All posts of this period were given in earlier digests." in card(none).text


def test_a_shortened_digest_says_that_it_is_short() -> None:
    run = replace(RUN, min_posts=5, quiet_day=QuietDay.SHORTEN)
    text = card(progress(RunState.DONE, {P.SUMMARIZED: 2}, run)).text
    assert (
        "✅ The digest is ready: 2 posts in 1 min 20 s.\n\n💤 A quiet day: the digest has 2 posts only, where 5" in text
    )


def test_a_draft_whose_place_was_taken_says_so() -> None:
    given = progress(RunState.CANCELLED, run=replace(RUN, notice="superseded"))
    assert "Nobody decided about this draft before the next digest was due" in card(given).text
    assert "Этот черновик никто не одобрил до следующего дайджеста" in card(given, RU).text


def test_every_stage_has_words_of_its_own() -> None:
    for texts in (EN, RU):
        assert len({card(progress(state), texts).text for state in RunState}) == len(RunState)


@pytest.mark.parametrize("state", list(RunState))
def test_the_cancel_button_is_there_while_cancelling_is_possible(state: RunState) -> None:
    has_others = {RunState.AWAITING_APPROVAL, RunState.DONE, RunState.FAILED, RunState.CANCELLED}
    assert ("c1:7" in callbacks(card(progress(state)))) == (state not in has_others)


def test_without_a_worker_the_card_says_how_to_start_one() -> None:
    warning = "⚠️ No worker answers. Start one with ./run_worker.sh; the run waits for it."
    waiting = card(progress(RunState.QUEUED), worker_available=False)
    assert warning in waiting.text
    assert marked(waiting, "code") == ["./run_worker.sh"]
    local = replace(RUN, engine=Engine.LOCAL)
    assert warning not in card(progress(RunState.QUEUED, run=local), worker_available=False).text
    for state in (RunState.DONE, RunState.FAILED, RunState.CANCELLED, RunState.AWAITING_APPROVAL):
        assert warning not in card(progress(state), worker_available=False).text


def test_a_fallback_to_the_local_engine_is_told() -> None:
    given = progress(RunState.CATEGORIZING, SORTING, replace(RUN, engine=Engine.LOCAL, notice="broker_lost"))
    assert "Redis does not answer, so this run is done inside the bot." in card(given).text
    assert "Redis не отвечает, поэтому дайджест делает сам бот." in card(given, RU).text


def test_money_is_shown_only_where_prices_are_known() -> None:
    assert "cost" not in card(progress(RunState.CATEGORIZING, SORTING), prices_known=False).text
    assert "12,345 tokens · 6 model calls\n" in card(progress(RunState.DONE, DONE), prices_known=False).text


def test_the_offline_model_is_named_plainly() -> None:
    given = progress(RunState.CATEGORIZING, SORTING, replace(RUN, provider="offline", model="sentence-encoder"))
    text = card(given).text
    assert text.endswith("\n\n6 model calls\nModel: offline, no key needed and nothing to pay")
    assert "tokens" not in text
    assert "cost" not in text
    assert "Model: offline, chosen because no model key or server is set" in card(given, auto_chosen=True).text


def test_a_card_without_model_calls_shows_no_zeros() -> None:
    assert card(replace(progress(RunState.QUEUED), model_calls=0)).text.endswith("passed\n\nModel: gpt-4.1-mini")


def test_a_hostile_title_and_reason_change_nothing_else() -> None:
    title = "<b>*x*</b>\u202e\n" + "🚀" * 5000
    failure = Failure("model.unavailable", {"reason": "{0} \x1b\n" + "x" * 9000})
    view = card(progress(RunState.FAILED, run=replace(RUN, bot_title=title, failure=failure)))
    assert view.text.startswith("<b>*x*</b> 🚀")
    assert len(view.text) < 1000
    assert "The model cannot be reached: {0} x" in view.text
    assert not {"\u202e", "\x1b"} & set(view.text)


@pytest.mark.parametrize(
    ("done", "total", "elapsed_s", "left_s"),
    [
        (0, 30, 60, None),
        (1, 30, 60, None),
        (2, 30, 4.9, None),
        (30, 30, 60, None),
        (0, 0, 60, None),
        (15, 30, 30, 30),
        (10, 30, 13, 30),
        (12, 30, 80, 120),
        (50, 1000, 60, 1140),
    ],
)
def test_the_time_left_is_given_once_it_means_something(
    done: int, total: int, elapsed_s: float, left_s: float | None
) -> None:
    assert eta(done, total, elapsed_s) == left_s


def test_the_time_left_of_a_later_stage_counts_from_its_own_beginning() -> None:
    posts = {P.SUMMARIZED: 5, P.CHOSEN: 5, P.PASSED_OVER: 100}
    run = replace(RUN, stage_started_at=START + timedelta(seconds=60))
    assert "1 min 20 s passed · about 20 s left" in card(progress(RunState.SUMMARIZING, posts, run)).text


@pytest.mark.parametrize(
    ("done", "total", "shown"),
    [
        (0, 30, "▱▱▱▱▱▱▱▱▱▱"),
        (1, 500, "▰▱▱▱▱▱▱▱▱▱"),
        (299, 300, "▰▰▰▰▰▰▰▰▰▱"),
        (30, 30, "▰▰▰▰▰▰▰▰▰▰"),
        (0, 0, "▰▰▰▰▰▰▰▰▰▰"),
    ],
)
def test_the_bar_is_full_only_when_all_is_done(done: int, total: int, shown: str) -> None:
    assert bar(done, total) == shown


def test_stages_that_do_not_go_post_by_post_have_no_counts() -> None:
    assert stage_counts(progress(RunState.SUMMARIZING, {P.SUMMARIZED: 3, P.CHOSEN: 4, P.IRRELEVANT: 9})) == (3, 7)
    assert stage_counts(progress(RunState.SELECTING, DONE)) is None


def test_the_funnel_only_gets_narrower_and_counts_every_post() -> None:
    assert funnel(DONE) == Funnel(seen=71, fresh=67, distinct=64, relevant=32, chosen=12, given=12, set_aside=2)
    assert funnel({}) == Funnel(0, 0, 0, 0, 0, 0, 0)
    one_each = funnel(dict.fromkeys(PostStatus, 1))
    assert one_each == Funnel(seen=10, fresh=9, distinct=8, relevant=3, chosen=2, given=1, set_aside=1)


def test_a_run_whose_model_is_refused_says_why_it_waits() -> None:
    failure = Failure("model.key_refused", {"status": 401, "model": "gpt-4.1-mini"})
    given = replace(progress(RunState.CATEGORIZING, {P.FRESH: 5}), model_failure=failure, waits_because="HTTP 401")
    assert "⏸ The provider refused the key for the model gpt-4.1-mini (status 401)." in card(given).text
    assert "HTTP 401" not in card(given).text, "one reason is enough"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (RunState.CATEGORIZING, "The model does not answer for now (no answer within 60 s)."),
        (RunState.ASSEMBLING, "Some of it did not work (no answer within 60 s)."),
    ],
)
def test_work_that_is_put_off_says_why_and_blames_the_model_only_where_it_is_asked(state: RunState, said: str) -> None:
    given = replace(progress(state, {P.SUMMARIZED: 5}), waits_because="no answer within 60 s")
    assert said in card(given).text


def test_a_run_says_which_model_stood_in_for_its_own() -> None:
    given = replace(progress(RunState.DONE, {P.SUMMARIZED: 5}), fallback_model="little-1")
    assert "Some of it was done by little-1, while gpt-4.1-mini failed" in card(given).text
    assert "Часть работы сделала little-1, пока gpt-4.1-mini не работала" in card(given, RU).text
