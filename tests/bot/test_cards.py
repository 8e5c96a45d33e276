"""The card: when it comes, where it is, how often it is edited, what it warns of."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.ports import PostText
from storage import cards
from storage.records import Card, Ring
from telegram_bot import card_keeper
from tests.bot.conftest import Opener
from tests.bot.desk import ANNA, BORIS, TOKEN, Desk, fresh_posts
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_limits import Limits
from tests.servers.telegram_records import Call
from tests.servers.telegram_server import TelegramServer
from tests.support import FakeDoorbell, make_spec


class HeavyDoorbell(FakeDoorbell):
    """Takes until `released` to ring."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()
        self.released = asyncio.Event()

    async def ring(self, rings: Sequence[Ring]) -> None:
        self.reached.set()
        await self.released.wait()


async def test_the_card_does_not_wait_for_the_broker(hurry: None, open_desk: Opener) -> None:
    doorbell = HeavyDoorbell()
    desk = await open_desk(doorbell=doorbell)
    await desk.open(fresh_posts(2))
    card = await desk.ask(desk.anna, "/digest")
    assert "Waiting in the queue" in card.text
    await doorbell.reached.wait()
    doorbell.released.set()


async def test_the_card_does_not_wait_for_the_pace_of_another_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_keeper, "PRIVATE_INTERVAL_S", 60)
    await desk.open(fresh_posts(2), make_spec("city"), make_spec("parks", title="Parks only"))
    await desk.ask(desk.anna, "/digest city")
    assert "Parks only" in (await desk.ask(desk.anna, "/digest parks")).text


async def test_edits_keep_telegrams_pace_in_private_and_in_a_group(open_desk: Opener, telegram: TelegramServer) -> None:
    """At the real intervals: two chats follow one run that changes all the time."""
    telegram.limits = Limits(messages_per_second=30, chat_interval_s=1.0, group_per_minute=20, count_edits=True)
    group = telegram.group(-1001, "Newsroom", telegram.user(ANNA))
    desk = await open_desk()
    await group.add_bot(TOKEN, by=desk.anna)

    async def all_the_time(kind: str, posts: Sequence[PostText]) -> None:
        await asyncio.sleep(0.4)

    desk.model.behaviour = all_the_time
    await desk.beat()
    await desk.open(fresh_posts(30))
    first = await desk.ask(desk.anna, "/digest")
    second = await desk.ask(desk.anna, "/digest", group)
    await desk.work()
    await telegram.wait_for(lambda: all("The digest is ready" in card.text for card in (first, second)))
    for card, interval_s in ((first, 2.0), (second, 3.0)):
        calls = [call for call in telegram.calls_of("sendMessage", "editMessageText") if call.chat_id == card.chat.id]
        times = [call.time for call in calls if call.sent is card or call.params.get("message_id") == card.message_id]
        assert len(times) >= 3
        assert all(later - earlier >= interval_s - 0.05 for earlier, later in pairwise(times))
    assert not telegram.early_calls
    assert all(call.status == 200 for call in telegram.calls_of("sendMessage", "editMessageText"))


async def test_a_second_digest_command_shows_the_same_run_at_the_end_of_the_chat(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    first = await desk.ask(desk.anna, "/digest")
    await desk.anna.send(TOKEN, "/digest city 5")
    await desk.telegram.wait_for(lambda: len(desk.cards(ANNA)) == 2)
    second = desk.cards(ANNA)[1]
    await desk.telegram.wait_for(lambda: first.deleted_at)
    assert second.deleted_at is None
    assert any("is being made already" in message.text for message in desk.sent_to(ANNA))
    await desk.work()
    await desk.card(ANNA, "The digest is ready")
    await desk.digest(ANNA)
    await desk.settle()
    assert len(await desk.runs()) == 1
    assert len(desk.cards(ANNA)) == 2
    assert len(desk.digests(ANNA)) == 1


async def test_a_card_that_is_taken_away_while_it_is_edited_comes_anew(desk: Desk, telegram: TelegramServer) -> None:
    await desk.open(fresh_posts(3))
    first = await desk.ask(desk.anna, "/digest")
    telegram.fault = lambda call: Fault.delay(0.2) if call.method == "editMessageText" else None
    await desk.leave()
    await telegram.wait_for(lambda: telegram.calls_of("editMessageText"))
    await desk.anna.send(TOKEN, "/digest")
    await telegram.wait_for(lambda: len(desk.cards(ANNA)) == 2)
    second = desk.cards(ANNA)[1]
    assert first.deleted_at
    await desk.work()
    await telegram.wait_for(lambda: "The digest is ready" in second.text)


async def test_a_database_that_answers_late_makes_no_second_card_and_no_second_digest(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before a message was sent is outdated by the time it is looked at."""
    unannounced = cards.unannounced

    async def answer_late(session: AsyncSession) -> Sequence[Card]:
        found = await unannounced(session)
        await asyncio.sleep(0.05)
        return found

    monkeypatch.setattr(cards, "unannounced", answer_late)
    await desk.open(fresh_posts(3))
    card = await desk.ask(desk.anna, "/digest")
    desk.board.look()
    await desk.work()
    (digest,) = await desk.digest(ANNA)
    await desk.settle()
    assert desk.sent_to(ANNA) == [card, digest]


async def test_another_operator_follows_the_same_run_with_a_card_of_their_own(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    await desk.ask(desk.anna, "/digest")
    to_boris = await desk.ask(desk.boris, "/digest")
    assert "Ждёт в очереди" in to_boris.text
    assert len(await desk.runs()) == 1
    await desk.work()
    await desk.card(ANNA, "The digest is ready")
    await desk.card(BORIS, "Дайджест готов")
    await desk.settle()
    assert (len(desk.digests(ANNA)), len(desk.digests(BORIS))) == (1, 1)


async def test_without_a_worker_the_card_says_so_until_one_comes(hurry: None, open_desk: Opener) -> None:
    desk = await open_desk()
    await desk.open(fresh_posts(3))
    card = await desk.ask(desk.anna, "/digest")
    await desk.card(ANNA, "No worker answers. Start one with ./run_worker.sh")
    await desk.beat()
    await desk.telegram.wait_for(lambda: "No worker" not in card.text)
    assert "Waiting in the queue" in card.text


async def test_a_worker_that_falls_silent_is_missed_on_the_card(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    card = await desk.ask(desk.anna, "/digest")
    assert "./run_worker.sh" not in card.text
    await desk.leave()
    await desk.card(ANNA, "./run_worker.sh")


async def test_a_worker_for_other_queues_does_not_count(hurry: None, open_desk: Opener) -> None:
    desk = await open_desk()
    await desk.beat(queues=("summarize",))
    await desk.open(fresh_posts(3))
    await desk.ask(desk.anna, "/digest")
    await desk.card(ANNA, "./run_worker.sh")


async def test_the_clock_on_a_card_moves_on_while_nothing_happens(
    desk: Desk, telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_keeper, "CLOCK_MOVES_EVERY_S", 0.05)
    await desk.open(fresh_posts(3))
    card = await desk.ask(desk.anna, "/digest")
    await telegram.wait_for(lambda: "1 s passed" in card.text)


async def test_a_message_that_looks_like_that_already_is_fine(desk: Desk, telegram: TelegramServer) -> None:
    refused: list[Call] = []

    def refuse_once(call: Call) -> Fault | None:
        if call.method == "editMessageText" and not refused:
            refused.append(call)
            return Fault.error(400, "Bad Request: message is not modified: specified new message content and …")
        return None

    telegram.fault = refuse_once
    await desk.open(fresh_posts(3))
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.digest(ANNA)
    assert refused


async def test_a_card_that_the_operator_deleted_is_left_alone_and_the_digest_still_comes(
    desk: Desk, telegram: TelegramServer
) -> None:
    await desk.open(fresh_posts(3))
    card = await desk.ask(desk.anna, "/digest")
    card.deleted_at = 1.0
    await desk.work()
    (digest,) = await desk.digest(ANNA)
    await desk.settle()
    assert desk.sent_to(ANNA) == [card, digest]
    assert len(telegram.calls_of("editMessageText")) == 1


async def test_a_chat_that_blocked_the_bot_is_closed_and_others_go_on(
    desk: Desk, telegram: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.open(fresh_posts(3))
    await desk.ask(desk.anna, "/digest")
    await desk.ask(desk.boris, "/digest")
    await desk.boris.block(TOKEN)
    await desk.work()
    await desk.digest(ANNA)
    await desk.settle()
    refused = [call for call in telegram.calls if call.chat_id == BORIS and call.status == 403]
    assert len(refused) == 1
    assert not desk.digests(BORIS)
    assert len([record for record in caplog.records if f"Chat {BORIS} cannot be written to" in record.message]) == 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_hanging_chat_does_not_hold_up_another_one(desk: Desk, telegram: TelegramServer) -> None:
    await desk.open(fresh_posts(3))
    await desk.ask(desk.boris, "/digest")
    await desk.ask(desk.anna, "/digest")
    telegram.fault = lambda call: Fault.hang() if call.chat_id == BORIS else None
    await desk.work()
    await desk.card(ANNA, "The digest is ready")
    await desk.digest(ANNA)
    assert [call.outcome for call in telegram.calls if call.chat_id == BORIS and call.outcome != "ok"] == ["hung"]
