"""The bot is stopped or killed in the middle of things, and goes on where it was: nothing twice, nothing forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pipeline.ports import PostText
from pipeline.stages.display_text import units
from tests.bot.desk import ANNA, Desk, fresh_posts
from tests.bot.test_floods import LONG, is_digest_part
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_records import Call
from tests.servers.telegram_server import TelegramServer
from tests.support import make_spec

DOUBT = "may not have arrived"


@pytest.mark.parametrize("way", ["stop", "kill"])
async def test_after_a_restart_the_same_card_goes_on(desk: Desk, way: str) -> None:
    summarized = asyncio.Event()

    async def wait(kind: str, posts: Sequence[PostText]) -> None:
        if kind == "summarize":
            await summarized.wait()

    desk.model.behaviour = wait
    await desk.open(fresh_posts(3))
    card = await desk.ask(desk.anna, "/digest")
    working = asyncio.create_task(desk.work())
    await desk.card(ANNA, "Summarizing")
    await (desk.stop() if way == "stop" else desk.kill())
    await desk.start()
    summarized.set()
    await working
    await desk.card(ANNA, "The digest is ready")
    (digest,) = await desk.digest(ANNA)
    await desk.settle()
    assert desk.sent_to(ANNA) == [card, digest]


@pytest.mark.parametrize("way", ["stop", "kill"])
async def test_what_ended_meanwhile_is_announced_once(desk: Desk, way: str) -> None:
    await desk.open(fresh_posts(3))
    card = await desk.ask(desk.anna, "/digest")
    await desk.remembered()
    await (desk.stop() if way == "stop" else desk.kill())
    await desk.work()
    assert not desk.digests(ANNA)
    for _ in range(2):
        await desk.start()
        (digest,) = await desk.digest(ANNA)
        await desk.settle()
        await desk.stop()
    assert "The digest is ready" in card.text
    assert desk.sent_to(ANNA) == [card, digest]


async def test_a_part_whose_answer_was_lost_is_not_sent_again_until_the_operator_says_so(
    desk: Desk, telegram: TelegramServer
) -> None:
    telegram.fault = lambda call: Fault.lose_answer() if is_digest_part(call) else None
    await desk.open(fresh_posts(3))
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.settle()
    telegram.fault = None
    _, digest, doubt = desk.sent_to(ANNA)
    assert digest.links
    assert DOUBT in doubt.text
    assert await desk.press(desk.anna, doubt, "Send it again") == "Sending it again."
    again = (await desk.digest(ANNA, parts=2))[1]
    await desk.settle()
    assert again.text == digest.text
    assert len(desk.sent_to(ANNA)) == 4


async def test_a_part_in_doubt_does_not_stop_the_parts_after_it(desk: Desk, telegram: TelegramServer) -> None:
    telegram.fault = lambda call: Fault.drop() if is_digest_part(call) and "2/3" in call.params["text"] else None
    await desk.open(fresh_posts(10, text=LONG))
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.settle()
    first, doubt, third = desk.sent_to(ANNA)[1:]
    assert (first.text[-3:], third.text[-3:]) == ("1/3", "3/3")
    assert doubt.text.startswith("Part 2 of the digest may not have arrived")


async def test_after_a_crash_while_a_part_is_sent_the_operator_decides(desk: Desk, telegram: TelegramServer) -> None:
    telegram.fault = lambda call: Fault.hang() if is_digest_part(call) and "2/3" in call.params["text"] else None
    await desk.open(fresh_posts(10, text=LONG))
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    await telegram.wait_for(lambda: [call for call in telegram.calls if call.outcome == "hung"])
    await desk.kill()
    telegram.fault = None
    await desk.start()
    await desk.settle()
    card, first, doubt, third = desk.sent_to(ANNA)
    assert "The digest is ready" in card.text
    assert (first.text[-3:], third.text[-3:]) == ("1/3", "3/3")
    assert DOUBT in doubt.text
    await desk.press(desk.anna, doubt, "Send it again")
    await desk.digest(ANNA, parts=5)
    await desk.settle()
    assert [message.text[-3:] for message in desk.sent_to(ANNA)[4:]] == ["1/3", "2/3", "3/3"]


async def test_the_button_asks_for_patience_while_the_parts_after_the_doubt_are_coming(
    desk: Desk, telegram: TelegramServer
) -> None:
    held: list[Call] = []

    def fault(call: Call) -> Fault | None:
        if not is_digest_part(call):
            return None
        if "2/3" in call.params["text"] and not held:
            held.append(call)
            return Fault.drop()
        return Fault.delay(0.2) if "3/3" in call.params["text"] else None

    telegram.fault = fault
    await desk.open(fresh_posts(10, text=LONG))
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    doubt = await telegram.wait_for(lambda: next((one for one in desk.sent_to(ANNA) if DOUBT in one.text), None))
    assert doubt is not None
    assert "still on its way" in await desk.press(desk.anna, doubt, "Send it again")
    await desk.settle()
    assert [message.text[-3:] for message in desk.digests(ANNA)] == ["1/3", "3/3"]
    assert await desk.press(desk.anna, doubt, "Send it again") == "Sending it again."
    await desk.digest(ANNA, parts=5)
    await desk.settle()
    assert [message.text[-3:] for message in desk.digests(ANNA)[2:]] == ["1/3", "2/3", "3/3"]


async def test_a_clean_stop_finishes_the_part_in_hand_and_leaves_no_doubt(desk: Desk, telegram: TelegramServer) -> None:
    telegram.fault = lambda call: Fault.delay(0.2) if is_digest_part(call) else None
    await desk.open(fresh_posts(10, text=LONG))
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    await telegram.wait_for(lambda: [call for call in telegram.calls if is_digest_part(call)])
    await desk.stop()
    sent_before = len(desk.digests(ANNA))
    await desk.start()
    await desk.settle()
    assert sent_before == 1
    assert [message.text[-3:] for message in desk.sent_to(ANNA)[1:]] == ["1/3", "2/3", "3/3"]


async def test_a_part_that_certainly_did_not_arrive_is_sent_again(desk: Desk, telegram: TelegramServer) -> None:
    refused: list[Call] = []

    def fault(call: Call) -> Fault | None:
        if is_digest_part(call) and not refused:
            refused.append(call)
            return Fault.flood(1)
        return None

    telegram.fault = fault
    await desk.open(fresh_posts(3))
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    await telegram.wait_for(lambda: refused)
    await desk.stop()
    await desk.start()
    await desk.settle()
    assert len(desk.digests(ANNA)) == 1
    assert not any(DOUBT in message.text for message in desk.sent_to(ANNA))


async def test_a_long_digest_comes_in_order_within_telegrams_limits(desk: Desk) -> None:
    await desk.open(fresh_posts(60, text=LONG + " 🚋"), make_spec(max_posts_per_digest=60))
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.settle()
    parts = desk.digests(ANNA)
    total = len(parts)
    assert total > 10
    assert [part.text.rsplit("\n\n", 1)[1] for part in parts] == [f"{n}/{total}" for n in range(1, total + 1)]
    assert all(units(part.text) <= 4096 and len(part.entities) <= 100 and not part.surplus_entities for part in parts)
    assert len({link for part in parts for link in part.links}) == 60
