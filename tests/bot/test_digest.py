"""/digest: who it is for, the words it understands, and the run that it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.ports import PostText
from pipeline.services.starting import MOST_POSTS
from storage import public_bots
from storage.records import RunState
from tests.bot.conftest import Opener
from tests.bot.desk import ANNA, TOKEN, Desk, fresh_posts
from tests.bot.test_floods import LONG, is_digest_part
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_server import TelegramServer
from tests.support import make_spec

STAGES = ["Waiting in the queue", "Sorting", "Summarizing", "The digest is ready"]


async def test_the_operator_sees_the_run_live_and_then_gets_the_digest(desk: Desk) -> None:
    async def wait_until_shown(kind: str, posts: Sequence[PostText]) -> None:
        await desk.card(ANNA, "Sorting" if kind == "categorize" else "Summarizing")

    desk.model.behaviour = wait_until_shown
    await desk.open(fresh_posts(7))
    card = await desk.ask(desk.anna, "/digest")
    assert "Waiting in the queue" in card.text
    assert [button["text"] for button in card.buttons()] == ["Cancel"]
    await desk.work()
    (digest,) = await desk.digest(ANNA)

    stages = [word for text in card.texts for word in STAGES if word in text]
    assert list(dict.fromkeys(stages)) == STAGES
    assert any("▱▱▱▱▱▱▱▱▱▱ 0 of 7" in text for text in card.texts)
    assert "1,610 tokens · 4 model calls" in card.text
    assert "cost" not in card.text, "no prices are set"
    assert not list(card.buttons()), "there is nothing left to cancel"
    assert desk.sent_to(ANNA) == [card, digest]
    assert digest.text.startswith("City news")
    assert sorted(digest.links) == sorted(2 * [f"https://example.org/{number}" for number in range(1, 8)])


async def test_the_card_shows_money_where_prices_are_set(hurry: None, open_desk: Opener) -> None:
    desk = await open_desk(llm={"input_price_per_million": 1000.0, "output_price_per_million": 2000.0})
    await desk.open(fresh_posts(2))
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    card = await desk.card(ANNA, "The digest is ready")
    assert "460 tokens · 2 model calls · cost 0.5200" in card.text


async def test_without_public_bots_the_operator_is_told_how_to_make_one(desk: Desk) -> None:
    assert "python -m pipeline bots apply" in (await desk.ask(desk.anna, "/digest")).text
    assert not await desk.runs()


async def test_a_bot_without_sources_is_told_apart(desk: Desk) -> None:
    await desk.open([], make_spec("mute"))
    async with desk.database.write() as session:
        await public_bots.apply(session, make_spec("mute", sources=()), None, desk.tools.now())
    assert "has no sources" in (await desk.ask(desk.anna, "/digest mute")).text


async def test_among_several_bots_the_operator_chooses_with_a_button(desk: Desk) -> None:
    await desk.open(fresh_posts(3), make_spec("city"), make_spec("parks", title="Parks only"))
    choice = await desk.ask(desk.anna, "/digest 2 48h")
    assert [button["text"] for button in choice.buttons()] == ["City news", "Parks only"]
    assert not await desk.runs()
    await desk.press(desk.anna, choice, "Parks only")
    await desk.card(ANNA, "Parks only")
    run = await desk.the_run()
    assert (run.bot_slug, run.post_limit, run.requested_by) == ("parks", 2, ANNA)
    assert run.period.end - run.period.start == timedelta(hours=48)


async def test_a_button_that_is_pressed_twice_starts_one_run(desk: Desk, telegram: TelegramServer) -> None:
    await desk.open(fresh_posts(3), make_spec("city"), make_spec("parks", title="Parks only"))
    choice = await desk.ask(desk.anna, "/digest")
    presses = [await desk.anna.press(choice, "Parks only") for _ in range(2)]
    await telegram.wait_for(lambda: all(press.answer for press in presses))
    await desk.card(ANNA, "Parks only")
    assert (await desk.the_run()).bot_slug == "parks"


async def test_a_choice_can_be_made_once(desk: Desk, telegram: TelegramServer) -> None:
    """Two fingers on two buttons: the first one counts, and the second is not answered with the first one's run."""
    await desk.open(fresh_posts(3), make_spec("city"), make_spec("parks", title="Parks only"))
    choice = await desk.ask(desk.anna, "/digest")
    first, second = await desk.anna.press(choice, "Parks only"), await desk.anna.press(choice, "City news")
    await telegram.wait_for(lambda: first.answer and second.answer)
    assert second.answer is not None
    assert "out of date" in second.answer["text"]
    await telegram.wait_for(lambda: not list(choice.buttons()))
    assert (await desk.the_run()).bot_slug == "parks"


@pytest.mark.parametrize("words", ["city 36h 3", "3 36h city", "36h  3", "36H city 3"])
async def test_bot_period_and_limit_may_come_in_any_order(desk: Desk, words: str) -> None:
    await desk.open(fresh_posts(1))
    await desk.ask(desk.anna, f"/digest {words}")
    run = await desk.the_run()
    assert (run.bot_slug, run.post_limit) == ("city", 3)
    assert run.period.end - run.period.start == timedelta(hours=36)


MISTAKES = {
    "towns": "There is no bot named towns. These exist: city.",
    "city 2024-12-04..2024-12-01": "“2024-12-04..2024-12-01” is no period.",
    "city yesterday..today": "“yesterday..today” is no period.",
    "city 0": "“0” is no number of posts.",
    "city -5": "“-5” is no number of posts.",
    "city 500": f"“500” is no number of posts. Write a whole number from 1 to {MOST_POSTS}",
    "city parks": "I did not understand “city parks”. An example that works: /digest tech-ru 24h 10",
    "5 6": "I did not understand “5 6”.",
    "--5": "There is no bot named --5.",
}


async def test_what_cannot_be_meant_is_answered_with_a_sentence(desk: Desk) -> None:
    await desk.open(fresh_posts(1))
    for words, answer in MISTAKES.items():
        assert answer in (await desk.ask(desk.anna, f"/digest {words}")).text
    assert not await desk.runs()


async def test_a_wrong_period_is_told_before_the_operator_chooses_a_bot(desk: Desk) -> None:
    await desk.open(fresh_posts(1), make_spec("city"), make_spec("parks"))
    assert "is no period" in (await desk.ask(desk.anna, "/digest 2024-02-31")).text


async def test_a_run_without_posts_says_so_on_the_card_and_sends_nothing(desk: Desk) -> None:
    await desk.open([])
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    card = await desk.card(ANNA, "No posts came in this period")
    await desk.settle()
    assert desk.sent_to(ANNA) == [card]


async def test_operators_in_a_group_get_card_and_digest_there(desk: Desk, telegram: TelegramServer) -> None:
    group = telegram.group(-1001, "Newsroom", desk.anna, desk.boris)
    await group.add_bot(TOKEN, by=desk.anna)
    await desk.open(fresh_posts(2))
    card = await desk.ask(desk.boris, "/digest city", group)
    assert "Жд" in card.text
    await desk.work()
    await desk.digest(group.id)
    assert not desk.sent_to(ANNA)


async def test_a_failed_run_says_why_on_the_card_and_in_a_new_message(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    desk.model.leaves_out = lambda post: True
    await desk.ask(desk.anna, "/digest")
    ended = await desk.work()
    assert ended.run.state is RunState.FAILED
    await desk.settle()
    card, told = desk.sent_to(ANNA)
    for message in (card, told):
        assert "The model failed on all posts (3)" in message.text
    assert told.text.startswith("❌ City news")
    assert not list(card.buttons())


async def test_the_same_command_delivered_twice_is_one_run(desk: Desk, telegram: TelegramServer) -> None:
    await desk.open(fresh_posts(2))
    command = await desk.anna.send(TOKEN, "/digest")
    await desk.card(ANNA)
    await desk.work()
    (digest,) = await desk.digest(ANNA)
    await desk.settle()
    await telegram.inject(TOKEN, {"message": command.json()})
    answer = await desk.ask(desk.anna, "/help")
    assert desk.sent_to(ANNA)[1:] == [digest, answer]
    assert len(await desk.runs()) == 1


async def test_a_command_that_comes_again_after_the_end_shows_the_finished_card_again(
    desk: Desk, telegram: TelegramServer
) -> None:
    """As after a crash that left the command unconfirmed, while the digest is on its way."""
    await desk.open(fresh_posts(10, text=LONG))
    command = await desk.anna.send(TOKEN, "/digest")
    first = await desk.card(ANNA)
    telegram.fault = lambda call: Fault.delay(0.2) if is_digest_part(call) else None
    await desk.work()
    await telegram.wait_for(lambda: any(is_digest_part(call) for call in telegram.calls))
    await telegram.inject(TOKEN, {"message": command.json()})
    await telegram.wait_for(lambda: first.deleted_at)
    await desk.digest(ANNA, parts=3)
    await desk.settle()
    assert "The digest is ready" in desk.cards(ANNA)[1].text
    assert len(desk.digests(ANNA)) == 3


async def test_posts_keep_their_links_whatever_the_order_of_the_sections(desk: Desk) -> None:
    parks = [replace(post, text=post.text.replace("Transport", "Parks")) for post in fresh_posts(2, start=50)]
    await desk.open([*parks, *fresh_posts(2)])
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    (digest,) = await desk.digest(ANNA)
    units = digest.text.encode("utf-16-le")
    for entity in digest.entities:
        if entity["type"] == "text_link" and "story" in (shown := _cut(units, entity["offset"], entity["length"])):
            assert shown.split(":")[0].split()[-1] == entity["url"].rsplit("/", 1)[1]
    assert digest.text.index("Transport") < digest.text.index("Parks")


def _cut(units: bytes, offset: int, length: int) -> str:
    return units[2 * offset : 2 * (offset + length)].decode("utf-16-le")
