"""A digest that waits for an operator's word: the draft, the question under it, and whose word counted."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.errors import MessageRefused, Retryable, TokenRefused, Uncertain, Unreachable
from pipeline.services.starting import Order, start_run
from storage import cards, operators
from storage.records import Operator, RunState, Unreached
from tests.bot.audience import as_shown_now, everybody, open_for_readers, received
from tests.bot.conftest import Opener
from tests.bot.desk import ANNA, BORIS, Desk, utc_now
from tests.bot.test_floods import LONG, is_digest_part
from tests.fakes import FakeCouriers
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_records import Message
from tests.servers.telegram_server import TelegramServer

QUESTION = "The digest above is a draft"
QUESTION_RU = "Дайджест выше — черновик"


@pytest.fixture
def couriers() -> FakeCouriers:
    return FakeCouriers()


@pytest.fixture
async def desk(hurry: None, open_desk: Opener, couriers: FakeCouriers) -> Desk:
    """A desk where every digest waits for approval."""
    desk = await open_desk(couriers=couriers, digest={"approval": True})
    await desk.beat()
    return desk


async def ask_for_draft(desk: Desk, **changes: object) -> Message:
    """Anna's card with the question, under the draft."""
    await open_for_readers(desk, **changes)  # type: ignore[arg-type]
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    return await desk.card(ANNA, QUESTION)


async def test_the_draft_comes_and_then_the_question_right_under_it(desk: Desk, couriers: FakeCouriers) -> None:
    question = await ask_for_draft(desk)
    first, draft, last = desk.sent_to(ANNA)
    assert last is question
    assert draft.links
    assert first.deleted_at is not None
    assert "It would go to 5 readers." in question.text
    assert "approval is on for this bot" in question.text
    assert [button["text"] for button in question.buttons()] == [
        "Publish to 5 readers",
        "Send to me as readers will see it",
        "Regenerate",
        "Discard",
    ]
    assert not couriers.attempts
    assert (await desk.the_run()).state is RunState.AWAITING_APPROVAL


async def test_a_long_draft_comes_whole_before_the_question(desk: Desk) -> None:
    question = await ask_for_draft(desk, number=10, text=LONG)
    assert [message.text[-3:] for message in desk.sent_to(ANNA)[1:4]] == ["1/3", "2/3", "3/3"]
    assert desk.sent_to(ANNA)[4:] == [question]


async def test_published_it_goes_to_the_readers_and_the_card_goes_on_where_it_is(
    desk: Desk, couriers: FakeCouriers
) -> None:
    question = await ask_for_draft(desk)
    assert await desk.press(desk.anna, question, "Publish to 5 readers") == "Published."
    await desk.work()
    await desk.card(ANNA, "Delivered to all 5 readers: 3 posts.", "Published by Anna at")
    await desk.settle()
    assert received(couriers) == everybody()
    assert desk.sent_to(ANNA)[-1] is question
    assert len(desk.digests(ANNA)) == 1
    assert not list(question.buttons())


async def test_pressed_twice_and_by_two_operators_it_is_delivered_once(desk: Desk, couriers: FakeCouriers) -> None:
    await open_for_readers(desk)
    await desk.ask(desk.anna, "/digest")
    await desk.ask(desk.boris, "/digest")
    await desk.work()
    to_anna, to_boris = await desk.card(ANNA, QUESTION), await desk.card(BORIS, QUESTION_RU)
    by_boris, by_anna = as_shown_now(to_boris), as_shown_now(to_anna)
    await desk.press(desk.boris, to_boris, "Опубликовать: 5 читателей", by_boris)
    publish = "d1:1:p"
    again = await desk.press(desk.boris, to_boris, publish, by_boris)
    assert again.startswith("Это уже решено. Опубликовано: Boris, ")
    late = await desk.press(desk.anna, to_anna, publish, by_anna)
    assert late.startswith("It is decided already. Published by Boris at ")
    await desk.work()
    assert (await desk.press(desk.anna, to_anna, publish, by_anna)).startswith("It is decided already.")
    await desk.card(ANNA, "Delivered to all 5 readers", "Published by Boris at")
    await desk.card(BORIS, "Доставлено всем 5 читателям", "Опубликовано: Boris")
    await desk.settle()
    assert received(couriers) == everybody()


async def test_pressed_by_two_at_the_same_moment_one_of_them_counts(desk: Desk, couriers: FakeCouriers) -> None:
    await open_for_readers(desk)
    await desk.ask(desk.anna, "/digest")
    await desk.ask(desk.boris, "/digest")
    await desk.work()
    to_anna, to_boris = await desk.card(ANNA, QUESTION), await desk.card(BORIS, QUESTION_RU)
    said = await asyncio.gather(
        desk.press(desk.anna, to_anna, "Publish to 5 readers", as_shown_now(to_anna)),
        desk.press(desk.boris, to_boris, "Не публиковать", as_shown_now(to_boris)),
    )
    is_published = said[0] == "Published."
    assert is_published != (said[1] == "Не публикуем.")
    await desk.work()
    await desk.card(ANNA, "Published by Anna" if is_published else "Discarded by Boris")
    assert received(couriers) == (everybody() if is_published else {})


async def test_whoever_publishes_what_was_discarded_is_told_by_whom(desk: Desk, couriers: FakeCouriers) -> None:
    question = await ask_for_draft(desk)
    shown = as_shown_now(question)
    await desk.press(desk.boris, question, "Discard", shown)
    late = await desk.press(desk.anna, question, "d1:1:p", shown)
    assert late.startswith("It is decided already. Discarded by Boris at ")
    await desk.work()
    assert not couriers.attempts


async def test_discarded_its_posts_are_free_for_the_next_digest(desk: Desk, couriers: FakeCouriers) -> None:
    question = await ask_for_draft(desk)
    draft = desk.digests(ANNA)[0]
    assert await desk.press(desk.anna, question, "Discard") == "Discarded."
    await desk.card(ANNA, "Discarded: nobody was sent this draft.", "Discarded by Anna at")
    await desk.settle()
    assert not list(question.buttons())
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.card(ANNA, QUESTION)
    assert desk.digests(ANNA)[1].links == draft.links
    assert not couriers.attempts


async def test_regenerated_it_is_made_again_with_a_card_of_its_own(desk: Desk, couriers: FakeCouriers) -> None:
    old = await ask_for_draft(desk)
    known = len(desk.sent_to(ANNA))
    assert await desk.press(desk.anna, old, "Regenerate") == "Making it again."
    assert "Waiting in the queue" in (await desk.arrival(ANNA, known)).text
    await desk.telegram.wait_for(lambda: "Replaced: nobody was sent this draft." in old.text)
    assert "Regenerated by Anna at" in old.text
    await desk.work()
    new = await desk.card(ANNA, QUESTION)
    assert new is not old
    assert len(desk.digests(ANNA)) == 2
    await desk.press(desk.anna, new, "Publish to 5 readers")
    await desk.work()
    await desk.card(ANNA, "Delivered to all 5 readers")
    assert received(couriers) == everybody()


async def test_the_operator_sees_it_as_readers_will_and_it_still_waits(desk: Desk, couriers: FakeCouriers) -> None:
    question = await ask_for_draft(desk)
    assert "look at your chat" in await desk.press(desk.anna, question, "Send to me as readers will see it")
    assert [(one.chat_id, one.text) for one in couriers.delivered] == [(ANNA, desk.digests(ANNA)[0].text)]
    assert QUESTION in question.text


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (
            Unreachable("can't initiate conversation", Unreached.NEVER_STARTED),
            "Open @city_news_bot in Telegram, press Start, and try again",
        ),
        (TokenRefused(), "Telegram does not accept this public bot's token."),
        (MessageRefused("message is too long"), "Telegram refuses this digest, so no reader would get it: message is"),
        (Retryable("Telegram asks to wait", after_s=3.0), "Telegram did not take it just now."),
        (Uncertain("the connection broke"), "Telegram did not take it just now."),
    ],
)
async def test_whoever_cannot_be_shown_it_is_told_what_to_do(
    desk: Desk, couriers: FakeCouriers, trouble: Exception, words: str
) -> None:
    couriers.trouble = lambda one: trouble
    question = await ask_for_draft(desk)
    answer = await desk.press(desk.anna, question, "Send to me as readers will see it")
    assert answer.startswith(words)
    assert QUESTION in question.text


async def test_killed_between_the_press_and_the_delivery_it_is_delivered_once(
    desk: Desk, couriers: FakeCouriers
) -> None:
    question = await ask_for_draft(desk)
    await desk.remembered()
    await desk.press(desk.anna, question, "Publish to 5 readers")
    await desk.kill()
    await desk.start()
    await desk.work()
    await desk.card(ANNA, "Delivered to all 5 readers", "Published by Anna")
    await desk.settle()
    assert received(couriers) == everybody()
    assert len(desk.digests(ANNA)) == 1


async def test_killed_between_the_draft_and_the_question_it_asks_once(desk: Desk, telegram: TelegramServer) -> None:
    """The old card is away and the new one is not there yet."""
    telegram.fault = lambda call: Fault.hang() if call.method == "deleteMessage" else None
    await open_for_readers(desk)
    await desk.ask(desk.anna, "/digest")
    await desk.remembered()
    await desk.work()
    await telegram.wait_for(lambda: [call for call in telegram.calls if call.outcome == "hung"])
    await desk.kill()
    telegram.fault = None
    await desk.start()
    question = await desk.card(ANNA, QUESTION)
    await desk.press(desk.anna, question, "Discard")
    await desk.card(ANNA, "Discarded by Anna")
    await desk.settle()
    assert len(desk.sent_to(ANNA)) == 3
    assert len(desk.digests(ANNA)) == 1


@pytest.mark.parametrize("way", ["stop", "kill"])
async def test_a_draft_that_waits_is_neither_sent_nor_asked_again_after_a_restart(desk: Desk, way: str) -> None:
    question = await ask_for_draft(desk)
    await desk.remembered()
    await (desk.stop() if way == "stop" else desk.kill())
    await desk.start()
    await desk.press(desk.anna, question, "Discard")
    await desk.telegram.wait_for(lambda: "Discarded by Anna" in question.text)
    await desk.settle()
    assert len(desk.sent_to(ANNA)) == 3


async def test_the_question_comes_although_the_card_was_deleted(desk: Desk) -> None:
    await open_for_readers(desk)
    card = await desk.ask(desk.anna, "/digest")
    card.deleted_at = 1.0
    await desk.work()
    question = await desk.card(ANNA, QUESTION)
    assert desk.sent_to(ANNA)[-1] is question


async def test_a_digest_from_the_command_line_asks_every_operator(desk: Desk) -> None:
    await open_for_readers(desk)
    async with desk.database.write() as session:
        await operators.seen(session, Operator(BORIS, "Boris", "ru"), utc_now())
    await start_run(desk.tools, Order("city"))
    await desk.work()
    for chat_id, words in ((ANNA, QUESTION), (BORIS, QUESTION_RU)):
        question = await desk.card(chat_id, words)
        draft = desk.digests(chat_id)[0]
        assert desk.sent_to(chat_id) == [draft, question]


async def test_too_many_posts_set_aside_make_it_wait_although_nobody_asked_for_approval(
    hurry: None, open_desk: Opener
) -> None:
    desk = await open_desk()
    await desk.beat()
    desk.model.leaves_out = lambda post: "line 1 " in post.text
    question = await ask_for_draft(desk)
    assert "It waits because the model failed on 1 of 3 posts" in question.text


async def test_status_shows_the_draft_with_its_buttons_and_says_that_it_waits(
    desk: Desk, couriers: FakeCouriers
) -> None:
    await ask_for_draft(desk)
    assert "City news: Ждёт одобрения (5 читателей)" in (await desk.ask(desk.boris, "/status")).text
    shown = await desk.ask(desk.boris, "/status 1")
    await desk.press(desk.boris, shown, "Опубликовать: 5 читателей")
    await desk.work()
    await desk.card(ANNA, "Delivered to all 5 readers", "Published by Boris at")
    assert received(couriers) == everybody()


async def test_asked_for_again_the_question_comes_to_the_end_of_the_chat(desk: Desk) -> None:
    first = await ask_for_draft(desk)
    await desk.ask(desk.anna, "/digest")
    await desk.telegram.wait_for(lambda: desk.cards(ANNA)[-1] is not first)
    assert first.deleted_at is not None
    assert QUESTION in desk.cards(ANNA)[-1].text
    assert len(desk.digests(ANNA)) == 1


async def test_a_part_of_the_draft_in_doubt_can_be_sent_again_while_it_waits(
    desk: Desk, telegram: TelegramServer
) -> None:
    telegram.fault = lambda call: Fault.drop() if is_digest_part(call) else None
    first = await ask_for_draft(desk)
    telegram.fault = None
    doubt = next(message for message in desk.sent_to(ANNA) if "may not have arrived" in message.text)
    assert await desk.press(desk.anna, doubt, "Send it again") == "Sending it again."
    (draft,) = await desk.digest(ANNA)
    await telegram.wait_for(lambda: desk.cards(ANNA)[-1] is not first)
    assert first.deleted_at is not None
    assert desk.sent_to(ANNA)[-2:] == [draft, await desk.card(ANNA, QUESTION)]


async def test_a_draft_in_a_group_asks_there(desk: Desk, telegram: TelegramServer, couriers: FakeCouriers) -> None:
    group = telegram.group(-1001, "Newsroom", telegram.user(ANNA))
    await group.add_bot(desk.bot.token, by=desk.anna)
    await open_for_readers(desk)
    await desk.ask(desk.anna, "/digest", group)
    await desk.work()
    question = await desk.card(group.id, QUESTION)
    await desk.press(desk.boris, question, "Publish to 5 readers")
    await desk.work()
    await desk.card(group.id, "Delivered to all 5 readers", "Published by Boris")
    async with desk.database.read() as session:
        assert set(await cards.of_run(session, 1)) == {group.id}
