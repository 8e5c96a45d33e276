"""The card of a delivery: what it shows, what its buttons do, and that it outlives troubles of its own chat."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.errors import MessageRefused, Uncertain, Unreachable
from storage import runs
from storage.records import RunState, Unreached
from telegram_bot import card_keeper
from tests.bot.audience import FIRST_READER, GatedCouriers, as_shown_now, everybody, open_for_readers, received
from tests.bot.conftest import Opener
from tests.bot.desk import ANNA, BORIS, TOKEN, Desk, fresh_posts
from tests.bot.test_floods import is_digest_part
from tests.fakes import Carried, FakeCouriers
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_records import Call, Message
from tests.servers.telegram_server import TelegramServer

TWO_OF_FIVE = "2 of 5\nDelivered 2 · failed 0 · uncertain 0"


@pytest.fixture
def couriers() -> GatedCouriers:
    """Two messages get through, the third waits until a test lets it go on."""
    return GatedCouriers(free=2)


@pytest.fixture
async def desk(hurry: None, open_desk: Opener, couriers: GatedCouriers, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk where messages to readers go one by one, and the card is looked at all the time."""
    monkeypatch.setattr("pipeline.services.bite.WAVE", 1)
    monkeypatch.setattr("pipeline.services.bite.SHOW_EVERY_S", 0.0)
    monkeypatch.setattr(card_keeper, "CLOCK_MOVES_EVERY_S", 0.1)
    desk = await open_desk(couriers=couriers)
    await desk.beat()
    return desk


async def half_way(desk: Desk) -> tuple[Message, asyncio.Task[object]]:
    """Anna's card when two of five have the digest and it is being sent to the third, and the worker at it."""
    await open_for_readers(desk)
    card = await desk.ask(desk.anna, "/digest")
    working = asyncio.ensure_future(desk.work())
    await desk.card(ANNA, TWO_OF_FIVE)
    return card, working


async def test_the_digest_comes_under_the_card_while_it_goes_to_the_readers(
    desk: Desk, couriers: GatedCouriers
) -> None:
    card, working = await half_way(desk)
    (digest,) = await desk.digest(ANNA)
    assert [button["text"] for button in card.buttons()] == ["Pause", "Cancel"]
    couriers.opened.set()
    await working
    await desk.card(ANNA, "Delivered to all 5 readers: 3 posts.")
    await desk.settle()
    assert desk.sent_to(ANNA) == [card, digest]
    assert received(couriers) == everybody()
    assert "City news: 3 posts" in (await desk.ask(desk.anna, "/status")).text


async def test_status_counts_the_readers_who_have_it(desk: Desk, couriers: GatedCouriers) -> None:
    _, working = await half_way(desk)
    assert "City news: Sending the digest (2 of 5)" in (await desk.ask(desk.anna, "/status")).text
    couriers.opened.set()
    await working


async def test_paused_nobody_is_sent_anything_until_it_is_resumed(desk: Desk, couriers: GatedCouriers) -> None:
    card, working = await half_way(desk)
    shown = as_shown_now(card)
    assert await desk.press(desk.anna, card, "Pause", shown) == "Paused."
    assert (await desk.press(desk.boris, card, "y1:1:p", shown)).startswith("Это уже решено. Пауза: Anna, ")
    await desk.card(ANNA, "⏸ Paused: nothing is sent.", "Paused by Anna at")
    couriers.opened.set()
    await working
    await desk.card(ANNA, "3 of 5", "⏸ Paused")
    await desk.work()
    assert sum(received(couriers).values()) == 3, "what was on its way has arrived, and nothing after it"
    assert await desk.press(desk.boris, card, "Resume") == "Продолжаю."
    await desk.work()
    await desk.card(ANNA, "Delivered to all 5 readers", "Paused by Anna at", "Resumed by Boris at")
    assert received(couriers) == everybody()


async def test_cancelled_on_the_way_those_who_have_it_keep_it(desk: Desk, couriers: GatedCouriers) -> None:
    card, working = await half_way(desk)
    assert "those who have the digest keep it" in card.text
    assert await desk.press(desk.anna, card, "Cancel") == "Cancelling the run."
    await desk.card(ANNA, "Cancelled while it was being sent.", "On its way to 1 reader", "Cancelled by Anna at")
    couriers.opened.set()
    await working
    await desk.card(ANNA, "Delivered to 3 of 5 readers.", "Not reached: 2 still waited when it was cancelled.")
    await desk.settle()
    assert "On its way" not in card.text
    assert sum(received(couriers).values()) == 3
    assert (await desk.the_run()).state is RunState.CANCELLED


async def test_a_pause_after_the_end_says_that_it_has_ended(desk: Desk, couriers: GatedCouriers) -> None:
    card, working = await half_way(desk)
    couriers.opened.set()
    await working
    await desk.card(ANNA, "Delivered to all 5 readers")
    pausable = next(-n for n in range(1, len(card.history)) if any(b["text"] == "Pause" for b in card.buttons(-n)))
    assert await desk.press(desk.anna, card, "Pause", version=pausable) == "This run has already ended."


@pytest.mark.parametrize("way", ["stop", "kill"])
async def test_after_a_restart_the_card_of_a_delivery_goes_on(desk: Desk, couriers: GatedCouriers, way: str) -> None:
    card, working = await half_way(desk)
    (digest,) = await desk.digest(ANNA)
    await desk.parts_remembered(1)
    await (desk.stop() if way == "stop" else desk.kill())
    await desk.start()
    couriers.opened.set()
    await working
    await desk.card(ANNA, "Delivered to all 5 readers")
    await desk.settle()
    assert desk.sent_to(ANNA) == [card, digest]


async def test_readers_who_were_not_reached_are_counted_by_reason(desk: Desk, couriers: GatedCouriers) -> None:
    refusals = {
        FIRST_READER: Unreachable("bot was blocked by the user", Unreached.BLOCKED),
        FIRST_READER + 1: Unreachable("user is deactivated", Unreached.DEACTIVATED),
    }
    couriers.trouble = lambda one: refusals.get(one.chat_id)
    couriers.opened.set()
    await open_for_readers(desk)
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.card(
        ANNA, "Delivered to 3 of 5 readers: 3 posts.", "Not reached: 2 (1 blocked the bot, 1 account is gone"
    )


class OnceUncertain:
    """For one reader, the connection breaks the first time; the message arrives all the same."""

    def __init__(self, couriers: FakeCouriers, chat_id: int) -> None:
        self.couriers = couriers
        self.chat_id = chat_id
        self.broken = False

    def __call__(self, one: Carried) -> Exception | None:
        if one.chat_id != self.chat_id or self.broken:
            return None
        self.broken = True
        self.couriers.delivered.append(one)
        return Uncertain("the connection to Telegram broke")


async def test_the_uncertain_are_sent_it_again_only_on_an_operators_word(desk: Desk, couriers: GatedCouriers) -> None:
    couriers.trouble = OnceUncertain(couriers, FIRST_READER)
    couriers.opened.set()
    await open_for_readers(desk)
    card = await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.card(ANNA, "Delivered to 4 of 5 readers", "Uncertain: 1.", "if you resend it, some may get it twice")
    await desk.settle()
    assert received(couriers) == everybody()
    shown = as_shown_now(card)
    assert await desk.press(desk.boris, card, "Resend uncertain (1)", shown) == "Отправляю ещё раз: 1 читатель."
    late = await desk.press(desk.anna, card, "y1:1:u", shown)
    assert late.startswith("It is decided already. Uncertain ones resent by Boris")
    await desk.work()
    await desk.card(ANNA, "Delivered to all 5 readers", "Uncertain ones resent by Boris at")
    await desk.settle()
    assert received(couriers) == everybody() + everybody(1)
    assert len(desk.digests(ANNA)) == 1, "the operators have it already"


async def test_a_resend_waits_for_another_digest_of_the_same_bot(desk: Desk, couriers: GatedCouriers) -> None:
    couriers.trouble = OnceUncertain(couriers, FIRST_READER)
    couriers.opened.set()
    await open_for_readers(desk)
    card = await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.card(ANNA, "Uncertain: 1.")
    await desk.ask(desk.anna, "/digest")
    assert "Another digest of city is being made" in await desk.press(desk.anna, card, "Resend uncertain (1)")


async def test_a_delivery_that_telegram_refuses_is_told_once_in_a_message_of_its_own(
    desk: Desk, couriers: GatedCouriers
) -> None:
    couriers.trouble = lambda one: MessageRefused("Bad Request: message is too long")
    couriers.opened.set()
    await open_for_readers(desk)
    card = await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.card(ANNA, "The run failed", "Telegram refused the digest itself")
    await desk.settle()
    assert desk.sent_to(ANNA)[0] is card
    assert [bool(message.links) for message in desk.sent_to(ANNA)[1:]] == [True, False]
    assert desk.sent_to(ANNA)[-1].text.startswith("❌ City news")


async def test_a_group_that_becomes_a_supergroup_keeps_its_card(desk: Desk, couriers: GatedCouriers) -> None:
    group = desk.telegram.group(-1001, "Newsroom", desk.telegram.user(ANNA))
    await group.add_bot(TOKEN, by=desk.anna)
    await open_for_readers(desk)
    await desk.ask(desk.anna, "/digest", group)
    working = asyncio.ensure_future(desk.work())
    await desk.card(group.id, TWO_OF_FIVE)
    await desk.digest(group.id)
    await desk.parts_remembered(1)
    supergroup = await group.migrate(by=desk.anna)
    couriers.opened.set()
    await working
    await desk.card(supergroup.id, "Delivered to all 5 readers")
    await desk.settle()
    assert len(desk.sent_to(supergroup.id)) == 1, "the digest has come over with the group"


async def test_a_digest_follows_its_group_to_the_supergroup(desk: Desk, couriers: GatedCouriers) -> None:
    couriers.opened.set()
    group = desk.telegram.group(-1001, "Newsroom", desk.telegram.user(ANNA))
    await group.add_bot(TOKEN, by=desk.anna)
    await open_for_readers(desk)
    await desk.ask(desk.anna, "/digest", group)
    await desk.remembered()
    supergroup = await group.migrate(by=desk.anna)
    await desk.work()
    await desk.card(supergroup.id, "Delivered to all 5 readers")
    (digest,) = await desk.digest(supergroup.id)
    await desk.settle()
    assert digest in desk.sent_to(supergroup.id)
    assert not desk.digests(group.id)


async def test_a_part_that_telegram_refuses_is_told_and_the_card_goes_on(
    desk: Desk, couriers: GatedCouriers, telegram: TelegramServer
) -> None:
    telegram.fault = lambda call: Fault.error(400, "Bad Request: message is too long") if is_digest_part(call) else None
    couriers.opened.set()
    await open_for_readers(desk)
    card = await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.card(ANNA, "Delivered to all 5 readers")
    await desk.settle()
    (said,) = desk.sent_to(ANNA)[1:]
    assert said.text.startswith("Telegram refused part 1 of the digest, so it cannot be shown here: Bad Request")
    assert desk.sent_to(ANNA)[0] is card


async def test_a_card_that_telegram_refuses_does_not_keep_the_digest_from_coming(
    desk: Desk, couriers: GatedCouriers, telegram: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    telegram.fault = lambda call: (
        Fault.error(400, "Bad Request: can't parse") if call.method.startswith("edit") else None
    )
    couriers.opened.set()
    await open_for_readers(desk)
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.digest(ANNA)
    await desk.settle()
    assert caplog.text.count("Telegram refuses the card:") == 1


async def test_a_token_that_is_refused_for_a_moment_loses_nothing(
    desk: Desk, couriers: GatedCouriers, telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_keeper, "AFTER_A_BUG_S", 0.05)
    refused: list[Call] = []

    def refuse_twice(call: Call) -> Fault | None:
        if is_digest_part(call) and len(refused) < 2:
            refused.append(call)
            return Fault.error(401, "Unauthorized")
        return None

    telegram.fault = refuse_twice
    couriers.opened.set()
    await open_for_readers(desk)
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.card(ANNA, "Delivered to all 5 readers")
    await desk.settle()
    assert len(refused) == 2
    assert len(desk.digests(ANNA)) == 1


async def test_a_bot_without_a_token_gives_its_digest_to_operators_only(desk: Desk, couriers: GatedCouriers) -> None:
    await desk.open(fresh_posts(3))
    card = await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.card(ANNA, "The digest is ready: 3 posts")
    await desk.settle()
    assert not list(card.buttons())
    assert not couriers.attempts


async def test_another_operator_who_comes_late_sees_the_digest_and_the_delivery(
    desk: Desk, couriers: GatedCouriers
) -> None:
    _, working = await half_way(desk)
    await desk.ask(desk.boris, "/digest")
    await desk.card(BORIS, "2 из 5\nДоставлено 2")
    await desk.digest(BORIS)
    couriers.opened.set()
    await working
    await desk.card(BORIS, "Доставлено всем 5 читателям")
    async with desk.database.read() as session:
        assert not await runs.going_on(session)
