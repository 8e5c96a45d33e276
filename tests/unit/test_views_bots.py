"""/bots: what each public bot does, or why not, and everything about one of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from storage.records import (
    COMMAND_LINE,
    Action,
    ActionKind,
    Actor,
    BotDetails,
    BotOverview,
    Category,
    DeliveryProgress,
    PostStatus,
    PublicBot,
    RunState,
    Source,
    SourceKind,
    SourceOverview,
)
from telegram_bot.views.bot_actions import WHAT
from telegram_bot.views.bot_details import render_bot
from telegram_bot.views.bots import PAGE, render_bots
from tests.unit.view_examples import EN, RU, START, callbacks, labels, marked, progress, public_bot

NOW = START + timedelta(hours=3)  # 12:00 in Moscow
BARE = public_bot(1)
SERVING = replace(
    BARE,
    has_token=True,
    telegram_id=5,
    username="tech_bot",
    spec=replace(BARE.spec, timezone="Europe/Moscow", schedule="0 9 * * *", categorization_prompt="For people\nhere."),
)
HABR = SourceOverview(Source(1, "habr", SourceKind.CHANNEL, "Хабр", -1001), 12, START)
DETAILS = BotDetails(
    overview=BotOverview(SERVING, 1234, NOW + timedelta(hours=21)),
    sources=(HABR,),
    approval=True,
    min_posts=3,
    quiet_day="say",
    window_hours=24,
    last_digest=replace(progress(RunState.DONE, {PostStatus.SUMMARIZED: 12}), delivery=DeliveryProgress(0, 10, 2, 1)),
    actions=(
        Action(NOW, Actor(8, "Boris"), ActionKind.RESUME_BOT, 1),
        Action(NOW - timedelta(days=1), COMMAND_LINE, ActionKind.APPLY_BOT, 1),
        Action(START, Actor(7, "Anna"), ActionKind.INVITE, 1, None, {"origin": "poster"}),
    ),
)


def test_the_list_word_for_word() -> None:
    view = render_bots([DETAILS.overview, BotOverview(public_bot(2, "Second"), 0)], 0, texts=EN, now=NOW)
    assert view.text == (
        "2 public bots\n\n"
        "Технодайджест (bot-1, @tech_bot)\n"
        "Serves 1,234 readers.\n"
        "Next digest: 09:00 on 3 December\n\n"
        "Second (bot-2)\n"
        "For operators only: it has no token, so it has no readers. To give it one, set token_env in its bots file."
    )
    assert marked(view, "bold") == ["2 public bots", "Технодайджест", "Second"]
    assert (labels(view), callbacks(view)) == (["Технодайджест", "Second"], ["v1:1:0", "v1:2:0"])
    assert "Обслуживает 1\u00a0234 читателей." in render_bots([DETAILS.overview], 0, texts=RU, now=NOW).text


@pytest.mark.parametrize(
    ("bot", "said"),
    [
        (replace(SERVING, is_paused=True), "no delivery, no answers to readers.\n3 readers"),
        (replace(SERVING, token_fault="bots.token_refused"), "⚠️ Telegram does not accept this public bot's token."),
        (replace(SERVING, token_fault="of.another_version"), "⚠️ of.another_version"),
        (replace(SERVING, telegram_id=None, username=None), "Its token has not been tried yet"),
        (replace(SERVING, parked_until=NOW + timedelta(hours=2)), "Telegram told it to be silent until 14:00"),
    ],
)
def test_what_keeps_a_bot_from_its_readers(bot: PublicBot, said: str) -> None:
    assert said in render_bots([BotOverview(bot, 3)], 0, texts=EN, now=NOW).text


def test_a_pause_of_telegrams_that_is_over_is_not_told() -> None:
    parked = replace(SERVING, parked_until=NOW - timedelta(seconds=1))
    assert "silent" not in render_bots([BotOverview(parked, 3)], 0, texts=EN, now=NOW).text


def test_many_bots_come_in_pages() -> None:
    many = [BotOverview(replace(public_bot(n, "🚀" * 90), token_fault="bots.token_refused", has_token=True), 9)
            for n in range(2 * PAGE + 1)]  # fmt: skip
    first, second, third = (render_bots(many, page, texts=RU, now=NOW) for page in range(3))
    assert (labels(first)[-1], labels(second)[-2:], labels(third)[-1]) == ("›", ["‹", "›"], "‹")
    assert "Страница 2 из 3" in second.text
    assert callbacks(second) == [*(f"v1:{n}:1" for n in range(PAGE, 2 * PAGE)), "w1:0", "w1:2"]
    assert (len(callbacks(first)), len(callbacks(third))) == (PAGE + 1, 2)
    assert render_bots(many, 7, texts=RU, now=NOW) == third
    assert "(bot-7)" in first.text, "the last one of the longest page is not cut off"


def test_everything_about_one_bot() -> None:
    view = render_bot(DETAILS, 2, texts=EN, now=NOW)
    assert view.text == (
        "Технодайджест (bot-1, @tech_bot)\n"
        "Serves 1,234 readers.\n"
        "Next digest: 09:00 on 3 December\n"
        "Last digest: 12 posts, 3 hours ago (run 7). Delivered to 10 of 13 readers.\n\n"
        "Language: Russian. Time zone: Europe/Moscow.\n"
        "A digest has at most 10 posts, of the last 24 h at most.\n"
        "With fewer than 3 the digest says that it is a quiet day.\n"
        "Approval is on: an operator looks at every digest before it goes out.\n\n"
        "Sources\n"
        "• Хабр (habr, channel): 12 posts, the last one 3 hours ago\n\n"
        "Categories: Мир\n\n"
        "Chooses for: “For people here.”\n\n"
        "Last changes\n"
        "• 12:00: bot resumed (Boris)\n"
        "• 12:00 on 1 December: description applied from a file (the command line)\n"
        "• 09:00: invitation “poster” made (Anna)"
    )
    assert (labels(view), callbacks(view)) == (["Pause", "Back"], ["p1:1:2:1", "w1:2"])


def test_a_paused_bot_can_go_on() -> None:
    overview = replace(DETAILS.overview, bot=replace(SERVING, is_paused=True), next_digest_at=None)
    view = render_bot(replace(DETAILS, overview=overview), 0, texts=RU, now=NOW)
    assert (labels(view), callbacks(view)) == (["Продолжить", "Назад"], ["p1:1:0:0", "w1:0"])


def test_a_bot_at_its_beginning() -> None:
    new = replace(DETAILS, overview=BotOverview(BARE, 0), sources=(), last_digest=None, actions=(), approval=False)
    text = render_bot(new, 0, texts=EN, now=NOW).text
    assert "No digest yet. Make one with /digest bot-1." in text
    assert "Approval is off: digests go out by themselves." in text
    assert "The bot bot-1 has no sources." in text
    assert "Last changes" not in text


def test_the_details_of_the_largest_bot_fit_with_its_last_changes() -> None:
    spec = replace(
        SERVING.spec,
        title="🚀" * 300,
        categories=(Category("К" * 200, ()),) * 30,
        categorization_prompt="п" * 9000,
        summarization_prompt="п" * 9000,
    )
    source = replace(HABR, source=replace(HABR.source, title="Т" * 300, name="n" * 200))
    changes = [replace(DETAILS.actions[2], details={"origin": "о" * 64})] * 5
    overview = BotOverview(replace(SERVING, spec=spec, token_fault="bots.token_twice"), 9, NOW)
    full = replace(DETAILS, overview=overview, sources=(source,) * 50, actions=tuple(changes))
    view = render_bot(full, 0, texts=RU, now=NOW)
    assert "… и ещё 42" in view.text
    assert view.text.endswith("(Anna)"), "clipped"


def test_everything_that_an_operator_can_change_has_words() -> None:
    assert set(WHAT) == set(ActionKind)
    details: dict[str, str | int] = {"origin": "poster", "title": "Fans", "source": "habr", "size": 3}
    every = tuple(Action(NOW, Actor(7, "Anna"), kind, 1, 9, details) for kind in ActionKind)
    for texts in (EN, RU):
        lines = render_bot(replace(DETAILS, actions=every), 0, texts=texts, now=NOW).text.splitlines()
        assert len(set(lines[-len(every) :])) == len(every)
        assert not any("action." in line for line in lines)
