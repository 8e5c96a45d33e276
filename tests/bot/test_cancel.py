"""Cancel: by button, by command, twice, and by people who may not."""

from __future__ import annotations

import pytest

from storage.records import RunState
from tests.bot.desk import ANNA, Desk, fresh_posts
from tests.support import make_spec


async def test_the_button_ends_the_run_and_goes(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    card = await desk.ask(desk.anna, "/digest")
    assert await desk.press(desk.anna, card, "Cancel") == "Cancelling the run."
    await desk.card(ANNA, "Cancelled after")
    run = await desk.the_run()
    assert (run.state, run.cancelled_by) == (RunState.CANCELLED, ANNA)
    assert not list(card.buttons())
    await desk.work()
    await desk.settle()
    assert not desk.model.calls
    assert desk.sent_to(ANNA) == [card]


async def test_pressed_twice_it_says_that_the_run_has_ended(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    card = await desk.ask(desk.anna, "/digest")
    await desk.press(desk.anna, card, "Cancel")
    await desk.card(ANNA, "Cancelled after")
    assert await desk.press(desk.anna, card, "Cancel", version=0) == "This run has already ended."
    assert await desk.press(desk.boris, card, "Cancel", version=0) == "Этот запуск уже закончился."


@pytest.mark.parametrize("command", ["/cancel", "/cancel 1"])
async def test_the_command_ends_the_only_run(desk: Desk, command: str) -> None:
    await desk.open(fresh_posts(3))
    await desk.ask(desk.anna, "/digest")
    assert (await desk.ask(desk.anna, command)).text == "Cancelling the run."
    await desk.card(ANNA, "Cancelled after")
    assert "already ended" in (await desk.ask(desk.anna, "/cancel 1")).text


async def test_among_several_runs_the_operator_chooses(desk: Desk) -> None:
    await desk.open(fresh_posts(3), make_spec("city"), make_spec("parks", title="Parks only"))
    await desk.ask(desk.anna, "/digest city")
    await desk.ask(desk.anna, "/digest parks")
    choice = await desk.ask(desk.anna, "/cancel")
    assert [button["text"] for button in choice.buttons()] == [
        "City news: Waiting in the queue",
        "Parks only: Waiting in the queue",
    ]
    await desk.press(desk.anna, choice, "Parks only: Waiting in the queue")
    states = {run.bot_slug: run.state for run in await desk.runs()}
    assert states == {"city": RunState.QUEUED, "parks": RunState.CANCELLED}


MISTAKES = {
    "/cancel": "No run is going on",
    "/cancel 12": "There is no run 12.",
    "/cancel everything": "An example that works: /cancel 7",
    "/cancel 99999999999999999999999": "There is no run 99999999999999999999999.",
}


async def test_what_cannot_be_cancelled_is_told(desk: Desk) -> None:
    for command, answer in MISTAKES.items():
        assert answer in (await desk.ask(desk.anna, command)).text


async def test_a_stranger_cannot_cancel(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    card = await desk.ask(desk.anna, "/digest")
    assert "99" in await desk.press(desk.stranger, card, "Cancel")
    assert (await desk.the_run()).state is RunState.QUEUED
