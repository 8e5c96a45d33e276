"""/errors says what went wrong and what to do; /retry makes a digest again, once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pipeline.errors import BatchRefused, Uncertain
from pipeline.ports import PostText
from storage import operators
from storage.records import ActionKind, RunState
from tests.bot.audience import FIRST_READER, open_for_readers
from tests.bot.conftest import Opener
from tests.bot.desk import ANNA, STRANGER, TOKEN, Desk, fresh_posts, utc_now
from tests.fakes import FakeCouriers, FakeModel, obey
from tests.support import make_spec


async def refuse(kind: str, posts: Sequence[PostText]) -> None:
    raise BatchRefused("content filter")


async def fail_run(desk: Desk, command: str = "/digest") -> int:
    """A run of Anna's that failed since the model refused every post; its number."""
    known = len(desk.cards(ANNA))
    desk.model.behaviour = refuse
    await desk.ask(desk.anna, command)
    await desk.telegram.wait_for(lambda: len(desk.cards(ANNA)) > known)
    ended = await desk.work()
    assert ended.run.state is RunState.FAILED
    await desk.settle()
    desk.model.behaviour = obey
    return ended.run.id


async def retries(desk: Desk) -> list[int]:
    """The runs that were written down as made again, oldest first."""
    async with desk.database.read() as session:
        found = await operators.actions_of_runs(session, [run.id for run in await desk.runs()])
    return sorted(one.run_id or 0 for of_run in found.values() for one in of_run if one.kind is ActionKind.RETRY)


async def test_without_troubles_it_says_so(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    assert (await desk.ask(desk.anna, "/errors")).text == "Nothing went wrong lately."
    assert (await desk.ask(desk.boris, "/errors")).text == "В последнее время всё шло хорошо."


async def test_a_failed_run_and_a_fault_are_told_newest_first_with_what_to_do(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    run_id = await fail_run(desk)
    async with desk.database.write() as session:
        await operators.report(session, "bots.token_refused", utc_now(), public_bot_id=1)
        await operators.report(session, "run.all_set_aside", utc_now(), public_bot_id=1, run_id=run_id)
    await desk.telegram.wait_for(lambda: any("Please have a look" in one.text for one in desk.sent_to(ANNA)))
    text = (await desk.ask(desk.anna, "/errors")).text
    fault, failure = text.index("Telegram does not accept"), text.index("The model failed on all")
    assert fault < failure
    assert f"(run {run_id})" in text
    assert f"/retry {run_id} makes it again." in text
    assert text.count("The model failed on all") == 1, "the run's failure and the fault of the same run are one trouble"


async def test_posts_that_were_set_aside_are_told_with_their_reason(hurry: None, open_desk: Opener) -> None:
    desk = await open_desk(FakeModel(leaves_out=lambda post: "story 2:" in post.text))
    await desk.beat()
    await desk.open(fresh_posts(12))
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.settle()
    text = (await desk.ask(desk.anna, "/errors")).text
    assert "1 post was set aside, because the model failed on it: " in text
    assert "/digest city 3d" in text


async def test_readers_in_doubt_are_told_with_the_way_to_send_again(hurry: None, open_desk: Opener) -> None:
    couriers = FakeCouriers(
        trouble=lambda carried: Uncertain("the connection broke") if carried.chat_id == FIRST_READER else None
    )
    desk = await open_desk(couriers=couriers)
    await desk.beat()
    await open_for_readers(desk, readers=5)
    await desk.ask(desk.anna, "/digest")
    await desk.work()
    await desk.card(ANNA, "Delivered to 4 of 5 readers")
    await desk.settle()
    text = (await desk.ask(desk.anna, "/errors")).text
    assert "1 reader may or may not have the digest" in text
    assert f"while it was sent: chat {FIRST_READER}, part 1." in text
    assert "/status 1" in text
    assert any("Resend" in button["text"] for button in (await desk.ask(desk.anna, "/status 1")).buttons())


async def test_the_last_failed_run_is_made_again_with_a_card_here(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    await fail_run(desk)
    card = await desk.ask(desk.boris, "/retry")
    assert "Ждёт в очереди" in card.text
    await desk.work()
    await desk.telegram.wait_for(lambda: "Дайджест готов" in card.text)
    await desk.settle()
    assert [run.state for run in await desk.runs()].count(RunState.DONE) == 1
    assert await retries(desk) == [2]
    again = await desk.ask(desk.anna, "/retry")
    assert again.text.startswith("No bot's last run has failed, so there is nothing to retry.")
    assert "was made again already, as run 2" in (await desk.ask(desk.anna, "/retry 1")).text
    assert len(await desk.runs()) == 2


async def test_sent_twice_it_makes_one_run(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    await fail_run(desk)
    await asyncio.gather(desk.anna.send(TOKEN, "/retry"), desk.boris.send(TOKEN, "/retry 1"))
    await desk.telegram.wait_for(lambda: len(desk.cards(ANNA)) == 2 and desk.cards(desk.boris.id))
    await desk.anna.send(TOKEN, "/retry 1")
    await desk.telegram.wait_for(lambda: any("is being made already" in one.text for one in desk.sent_to(ANNA)))
    assert len(await desk.runs()) == 2
    assert await retries(desk) == [2]


async def test_among_several_failed_runs_the_operator_chooses_and_pressed_twice_it_is_one(desk: Desk) -> None:
    await desk.open(fresh_posts(3), make_spec("city"), make_spec("parks", title="Parks only"))
    await fail_run(desk, "/digest city")
    await fail_run(desk, "/digest parks")
    choice = await desk.ask(desk.anna, "/retry")
    assert [button["text"] for button in choice.buttons()] == ["Parks only: run 2", "City news: run 1"]
    presses = [await desk.anna.press(choice, "Parks only: run 2") for _ in range(2)]
    await desk.telegram.wait_for(lambda: all(press.answer for press in presses))
    assert "out of date" in str(presses[1].answer)
    await desk.card(ANNA, "Parks only")
    assert [run.bot_slug for run in await desk.runs()].count("parks") == 2
    assert await retries(desk) == [3]


MISTAKES = {
    "/retry": "nothing to retry",
    "/retry 12": "There is no run 12.",
    "/retry everything": "An example that works: /retry 7",
    "/retry 99999999999999999999999": "There is no run 99999999999999999999999.",
}


async def test_what_cannot_be_retried_is_told(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    for command, answer in MISTAKES.items():
        assert answer in (await desk.ask(desk.anna, command)).text
    await desk.ask(desk.anna, "/digest")
    known = len(desk.sent_to(ANNA))
    await desk.anna.send(TOKEN, "/retry 1")
    assert "still goes on" in (await desk.arrival(ANNA, known)).text
    await desk.work()
    await desk.settle()
    known = len(desk.sent_to(ANNA))
    await desk.anna.send(TOKEN, "/retry 1")
    assert "has ended well" in (await desk.arrival(ANNA, known)).text
    assert len(await desk.runs()) == 1


@pytest.mark.parametrize("command", ["/errors", "/retry", "/retry 1"])
async def test_a_stranger_gets_nothing(desk: Desk, command: str) -> None:
    await desk.open(fresh_posts(3))
    await fail_run(desk)
    line = await desk.ask(desk.stranger, command)
    assert "failed" not in line.text
    assert str(STRANGER) in line.text
    assert len(await desk.runs()) == 1
