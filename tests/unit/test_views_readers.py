"""What readers of a public bot are shown, and what operators are asked about groups and channels."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiogram.filters.callback_data import CallbackData

from pipeline.services.admitting import Decision, Offer
from storage.records import Actor, Category, ChatKind, PublicBot, Subscriber, SubscriberState
from telegram_bot.callbacks import AdmitChat, ChooseLanguage, ChooseTopic, ForgetMe
from telegram_bot.views import chats, readers
from telegram_bot.views.view import View
from tests.unit.view_examples import BIGGEST_ID, EN, RU, callbacks, labels, marked, public_bot
from texts import Texts

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)


def bot(**changes: object) -> PublicBot:
    categories = (Category("Transport", ()), Category("Parks", ()))
    found = public_bot(1, "City news")
    return replace(found, spec=replace(found.spec, **{"categories": categories, **changes}))  # type: ignore[arg-type]


def chat(kind: ChatKind = ChatKind.SUPERGROUP, state: SubscriberState = SubscriberState.OFFERED) -> Subscriber:
    return Subscriber(9, 1, -1001, kind, "Line <7>\nfriends", "en", state, None, (), None, NOW, NOW)


@pytest.mark.parametrize(
    "data",
    [
        ChooseTopic(seal=2**32 - 1, index=29, wanted=False),
        ChooseLanguage(language="ru"),
        ForgetMe(sure=True),
        AdmitChat(subscriber_id=BIGGEST_ID, accept=False),
    ],
)
def test_buttons_say_the_same_when_they_come_back_and_fit_into_64_bytes(data: CallbackData) -> None:
    packed = data.pack()
    assert len(packed.encode()) <= 64
    assert type(data).unpack(packed) == data


@pytest.mark.parametrize(
    ("schedule", "timezone", "english", "russian"),
    [
        ("0 9 * * *", "Europe/Moscow", "at 09:00 on 4 November (Europe/Moscow).", "в 09:00 4 ноября (Europe/Moscow)."),
        ("30 18 * * *", "UTC", "at 18:30 UTC.", "в 18:30 UTC."),
        (None, "UTC", "They come whenever the newsroom publishes one.", "Они приходят, когда их публикует редакция."),
    ],
)
def test_the_welcome_says_when_the_next_one_comes(
    schedule: str | None, timezone: str, english: str, russian: str
) -> None:
    city = bot(schedule=schedule, timezone=timezone)
    for texts, when in ((EN, english), (RU, russian)):
        view = readers.render_start(city, is_new=True, texts=texts, now=NOW)
        assert when in view.text.split("\n\n")[1]
        assert marked(view, "bold") == ["City news"]


def test_the_welcome_names_every_way_out() -> None:
    for texts in (EN, RU):
        for is_new in (True, False):
            shown = readers.render_start(bot(), is_new=is_new, texts=texts, now=NOW).text
            assert all(way in shown for way in ("/latest", "/topics", "/language", "/stop", "/forget"))


def test_help_lists_the_commands_that_are_in_the_menu() -> None:
    for texts in (EN, RU):
        menu = readers.reader_menu(texts)
        assert [one.command for one in menu] == ["latest", "topics", "language", "stop", "forget", "help"]
        assert all(1 <= len(one.description) <= 256 for one in menu)
        shown = readers.render_help(bot(), texts=texts).text
        assert all(f"/{one.command} — {one.description}" in shown for one in menu)


def test_each_topic_has_a_button_that_says_what_pressing_it_does() -> None:
    view = readers.render_topics(bot(), ["Parks", "Gone since"], texts=EN)
    seal = readers.seal_of(bot())
    assert labels(view) == ["✅ Transport", "▫️ Parks"]
    assert callbacks(view) == [f"t1:{seal}:0:0", f"t1:{seal}:1:1"]


def test_other_topics_have_another_seal() -> None:
    names = [("Transport", "Parks"), ("Parks", "Transport"), ("Transport",), ("TransportParks",), ("Transport", "park")]
    seals = {readers.seal_of(bot(categories=tuple(Category(name, ()) for name in one))) for one in names}
    assert len(seals) == len(names)
    assert readers.seal_of(bot(title="Another title", language="en")) == readers.seal_of(bot())


def test_thirty_topics_with_long_names_fit() -> None:
    many = bot(categories=tuple(Category(f"{number} {'🚋' * 200}", ()) for number in range(30)))
    view = readers.render_topics(many, [], texts=RU)
    assert len(labels(view)) == 30
    assert all(len(data.encode()) <= 64 for data in callbacks(view) if data)


def test_languages_are_named_in_themselves() -> None:
    for texts in (EN, RU):
        view = readers.render_languages(texts)
        assert (labels(view), callbacks(view)) == (["English", "Русский"], ["l1:en", "l1:ru"])


def test_whoever_wants_to_be_forgotten_is_asked_once() -> None:
    view = readers.render_forget_question(EN)
    assert (labels(view), callbacks(view)) == (["Yes, erase everything", "No, keep it"], ["f1:1", "f1:0"])
    assert "It cannot be undone." in view.text
    assert "/start" in readers.render_forgotten(is_done=True, texts=EN).text
    assert readers.render_forgotten(is_done=False, texts=RU).text == "Ничего не стёрто."


def test_operators_are_asked_about_groups_and_channels_in_their_own_words() -> None:
    group = chats.render_chat_offer(Offer(chat(), bot()), texts=EN)
    channel = chats.render_chat_offer(Offer(chat(ChatKind.CHANNEL), bot()), texts=RU)
    assert group.text == (
        "The public bot “City news” is now in the group “Line <7> friends”. Deliver its digests there?"
    )
    assert channel.text.startswith("Публичный бот «City news» стал администратором канала «Line <7> friends».")
    assert (labels(group), callbacks(group)) == (["Yes, deliver", "No"], ["o1:9:1", "o1:9:0"])


def decided(state: SubscriberState, by: Actor | None, texts: Texts) -> tuple[View, str | None]:
    decision = Decision(chat(state=state), bot(), by, is_new=False)
    return chats.render_chat_decided(decision, texts=texts), chats.decided_before(decision, texts)


def test_what_was_decided_names_who_did() -> None:
    anna = Actor(7, "Anna")
    assert decided(SubscriberState.ACTIVE, anna, EN)[0].text.endswith("from now on. Anna decided it.")
    assert decided(SubscriberState.DECLINED, anna, RU)[0].text.endswith(
        "Решение: Anna. Чтобы передумать, уберите бота оттуда и добавьте снова."
    )
    assert decided(SubscriberState.DECLINED, anna, EN)[1] == "Anna has decided it already."
    view, answer = decided(SubscriberState.RETIRED, None, EN)
    assert view.text == "There is nothing to decide about “City news” in “Line <7> friends” any more."
    assert answer is None
    assert not labels(view)
