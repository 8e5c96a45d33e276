"""/subscribers: numbers that say what they count, and links that a tap copies."""

from __future__ import annotations

from dataclasses import replace

from storage.records import Audience, ChatKind, Invitation, Survey, Turnover
from telegram_bot.views.subscribers import MAX_INVITATIONS, render_invitation, render_survey, render_whose_readers
from tests.unit.view_examples import EN, RU, callbacks, labels, marked, public_bot

BOT = replace(public_bot(1), has_token=True, telegram_id=5, username="tech_bot")
POSTER = Invitation(1, 1, "abcdefghijkl", "poster", 5, 4)
RADIO = Invitation(2, 1, "mnopqrstuvwx", "radio")
AUDIENCE = Audience(
    kinds={ChatKind.PRIVATE: 1232, ChatKind.GROUP: 1, ChatKind.SUPERGROUP: 2, ChatKind.CHANNEL: 1},
    languages={"en": 10, "ru": 1226},
    gone={"blocked": 2, "stopped": 3, "of another version": 1},
    offered=1,
    turnover=(Turnover(7, 3, 1), Turnover(30, 5, 2)),
    growth=(1000, 1100, 1236),
)
NOBODY = Audience({}, {}, {}, 0, (Turnover(7, 0, 0), Turnover(30, 0, 0)), (0, 0, 0))


def test_the_numbers_word_for_word() -> None:
    view = render_survey(Survey(BOT, AUDIENCE, (POSTER, RADIO)), texts=EN)
    assert view.text == (
        "Readers of Технодайджест\n"
        "1,236 read it now: 1,232 people, 3 groups, 1 channel.\n"
        "In the last 7 days: 3 new, 1 gone.\n"
        "In the last 30 days: 5 new, 2 gone.\n"
        "Day by day, 3 days: ▁▃█ from 1,000 to 1,236\n"
        "Languages: Russian 1,226, English 10\n"
        "No longer read it: 3 sent /stop, 2 blocked the bot, 1 refused by Telegram\n"
        "1 group or channel waits for an operator's word.\n\n"
        "Invitation links\n"
        "• radio: 0 came, 0 read it now\n"
        "https://t.me/tech_bot?start=mnopqrstuvwx\n"
        "• poster: 5 came, 4 read it now\n"
        "https://t.me/tech_bot?start=abcdefghijkl"
    )
    assert marked(view, "code") == [
        "https://t.me/tech_bot?start=mnopqrstuvwx",
        "https://t.me/tech_bot?start=abcdefghijkl",
    ]
    assert (labels(view), callbacks(view)) == (["New invitation link", "Export"], ["i1:1:3", "x1:1"])


def test_the_numbers_in_russian() -> None:
    text = render_survey(Survey(BOT, AUDIENCE, (POSTER,)), texts=RU).text
    assert "Сейчас читают 1\u00a0236: 1\u00a0232 человека, 3 группы, 1 канал.\n" in text
    assert "За последние 7 дней: пришли 3, ушли 1.\n" in text
    assert "Языки: русский 1\u00a0226, английский 10\n" in text


def test_a_bot_that_nobody_reads_yet_says_how_to_invite() -> None:
    text = render_survey(Survey(BOT, NOBODY, ()), texts=EN).text
    assert text.startswith("Readers of Технодайджест\nNobody reads it now.\n")
    assert "▁" not in text
    assert text.endswith("name one like this: /subscribers bot-1 poster")


def test_a_bot_without_a_token_has_no_readers_to_invite() -> None:
    view = render_survey(Survey(public_bot(1), NOBODY, ()), texts=EN)
    assert "it has no token" in view.text
    assert callbacks(view) == []


def test_a_link_waits_for_the_name_that_telegram_tells() -> None:
    unknown = replace(BOT, telegram_id=None, username=None)
    assert "https" not in render_survey(Survey(unknown, AUDIENCE, (POSTER,)), texts=EN).text
    assert "once the bot's token has been tried" in render_invitation(unknown, POSTER, texts=EN).text


def test_a_link_that_was_asked_for_can_be_passed_on() -> None:
    view = render_invitation(BOT, POSTER, texts=EN)
    assert view.text.startswith("The invitation link of Технодайджест for “poster”")
    assert marked(view, "code") == ["https://t.me/tech_bot?start=abcdefghijkl"]
    assert "5 came so far, 4 read it now" in view.text


def test_hundreds_of_links_and_reasons_fit_into_one_message() -> None:
    bot = replace(BOT, username="u" * 32, spec=replace(BOT.spec, title="🚀" * 300, slug="s" * 60))
    links = tuple(Invitation(n, 1, "c" * 12, "о" * 64, 10**7, 10**7) for n in range(300))
    reasons = dict.fromkeys(("stopped", "blocked", "deactivated", "not_found", "removed", "no_rights"), 10**7)
    view = render_survey(Survey(bot, replace(AUDIENCE, gone=reasons), links), texts=RU)
    assert len(view.text.encode("utf-16-le")) // 2 <= 4096
    assert view.text.splitlines()[-1].startswith("… и ещё 285"), "clipped"
    assert len(marked(view, "code")) == MAX_INVITATIONS + 1, "the last one is the command that lists all"


def test_whose_readers_is_asked_with_buttons() -> None:
    view = render_whose_readers([BOT, public_bot(2, "Second")], texts=EN)
    assert (view.text, labels(view)) == ("Whose readers?", ["Технодайджест", "Second"])
    assert callbacks(view) == ["b1:r:1::", "b1:r:2::"]
    assert "write /subscribers and its name" in render_whose_readers([BOT] * 60, texts=EN).text
