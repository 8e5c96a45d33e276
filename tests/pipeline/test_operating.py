"""What operators do with public bots and runs: the first word counts, and all of it is written down."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select

from pipeline.adapters.token_box import TokenBox
from pipeline.errors import ForPeople
from pipeline.services.applying import apply_bots
from pipeline.services.overseeing import load_bot, load_bots, pause_bot, resume_bot
from pipeline.services.receiving import add_channel
from pipeline.services.retrying import retry_run
from pipeline.services.starting import Order, Started, cancel_run, start_run
from pipeline.services.surveying import export_readers, invite, load_survey
from pipeline.toolbox import Toolbox
from storage import operators, public_bots, runs, subscribers
from storage.database import Database
from storage.models import ActionRow
from storage.records import (
    COMMAND_LINE,
    Action,
    ActionKind,
    Actor,
    ChatKind,
    Failure,
    PublicBot,
    Run,
    RunState,
)
from tests.support import NOON, make_posts, make_settings, make_spec, make_tools, open_bot, open_desk

ANNA, BORIS = Actor(7, "Anna"), Actor(8, "Boris")


@pytest.fixture
def tools(any_database: Database) -> Toolbox:
    return make_tools(any_database)


async def city(tools: Toolbox, readers: Sequence[int] = ()) -> PublicBot:
    await open_bot(tools.database, make_posts(3), readers)
    async with tools.database.read() as session:
        bot = await public_bots.by_slug(session, "city")
    assert bot is not None
    return bot


async def written(tools: Toolbox, bot_id: int) -> list[Action]:
    """What is written down of a public bot, oldest first."""
    async with tools.database.read() as session:
        return [*reversed(await operators.actions_of_bot(session, bot_id, 50))]


async def failed(tools: Toolbox, slug: str = "city", **order: object) -> Run:
    started = await start_run(tools, replace(Order(slug), **order))  # type: ignore[arg-type]
    async with tools.database.write() as session:
        await runs.fail(session, started.run.id, Failure("model.quota"), NOON)
        return await runs.get(session, started.run.id)


async def retry(tools: Toolbox, run: Run, actor: Actor = ANNA, *, message_id: int = 1) -> Started:
    return await retry_run(tools, run.id, actor, chat_id=actor.id or 0, message_id=message_id, language="en")


async def test_of_two_operators_who_pause_a_bot_one_has_done_it(tools: Toolbox) -> None:
    bot = await city(tools)
    done = await asyncio.gather(pause_bot(tools, bot.id, ANNA), pause_bot(tools, bot.id, BORIS))
    assert sorted(done) == [False, True]
    winner = ANNA if done[0] else BORIS
    (action,) = await written(tools, bot.id)
    assert (action.kind, action.actor) == (ActionKind.PAUSE_BOT, winner)
    assert not await pause_bot(tools, bot.id, winner), "twice is once"
    assert await resume_bot(tools, bot.id, BORIS)
    assert not await resume_bot(tools, bot.id, ANNA)
    kinds = [one.kind for one in await written(tools, bot.id)]
    assert kinds == [ActionKind.PAUSE_BOT, ActionKind.RESUME_BOT]


async def test_a_pause_of_no_bot_is_none(tools: Toolbox) -> None:
    assert not await pause_bot(tools, 99, ANNA)
    assert await load_bot(tools, 99) is None
    with pytest.raises(ForPeople, match=r"digest\.no_bots"):
        await load_bots(tools)


async def test_a_bot_is_shown_with_what_is_in_force_for_it(any_database: Database) -> None:
    tools = make_tools(any_database, settings=make_settings(digest={"approval": True, "min_posts": 4}))
    own = make_spec(approval=False, quiet_day="say", window_hours=6, schedule="0 18 * * *")
    await open_bot(any_database, make_posts(3), [1, 2], own)
    await open_desk(any_database, [], make_spec("village", schedule="0 18 * * *", paused=True))
    in_force = []
    for overview in await load_bots(tools):
        one = await load_bot(tools, overview.bot.id)
        assert one is not None
        assert one.overview == overview
        in_force.append((one.approval, one.min_posts, one.quiet_day, one.window_hours, overview.readers))
        assert overview.next_digest_at == (None if overview.bot.is_paused else NOON.replace(hour=18))
    assert in_force == [(False, 4, "say", 6, 2), (True, 4, "skip", 24, 0)]


async def test_a_schedule_that_cannot_be_used_does_not_hide_the_bot(tools: Toolbox) -> None:
    await open_desk(tools.database, [], make_spec(schedule="every morning"))
    (overview,) = await load_bots(tools)
    assert overview.next_digest_at is None


async def test_a_link_is_written_down_when_it_is_made(tools: Toolbox) -> None:
    bot = await city(tools)
    first = await invite(tools, bot, " poster\non the tram ", ANNA)
    assert first.origin == "poster on the tram"
    assert (await invite(tools, bot, "poster on the tram", BORIS)).code == first.code
    (action,) = await written(tools, bot.id)
    assert (action.kind, action.actor, action.details) == (ActionKind.INVITE, ANNA, {"origin": "poster on the tram"})
    for origin in ("", " \n ", "x" * 65):
        with pytest.raises(ForPeople, match=r"subscribers\.bad_origin"):
            await invite(tools, bot, origin, ANNA)
    assert len((await load_survey(tools, bot)).invitations) == 1


async def test_an_export_has_everybody_and_is_written_down(tools: Toolbox) -> None:
    bot = await city(tools, [1])
    poster = await invite(tools, bot, "poster", ANNA)
    async with tools.database.write() as session:
        await subscribers.subscribe(
            session, bot.id, -5, "ru", NOON, kind=ChatKind.SUPERGROUP, title="=Fans", invitation_id=poster.id
        )
        reader = await subscribers.by_chat(session, bot.id, -5)
        assert reader is not None
        await subscribers.set_left_out(session, reader.id, ["Parks"])
        await subscribers.subscribe(session, bot.id, 2, "en", NOON)
        await subscribers.stop(session, bot.id, 2, NOON)
    table = await export_readers(tools, bot, BORIS)
    assert (table.file_name, table.readers) == ("city-readers-2026-11-03.csv", 3)
    _, *lines = csv.reader(table.content.decode("utf-8-sig").splitlines())
    assert [line[:8] for line in lines] == [
        ["1", "private", "", "active", "", "en", "", ""],
        ["-5", "supergroup", "'=Fans", "active", "", "ru", "Parks", "poster"],
        ["2", "private", "", "stopped", "", "en", "", ""],
    ]
    last = (await written(tools, bot.id))[-1]
    assert (last.kind, last.actor) == (ActionKind.EXPORT, BORIS)


async def test_a_failed_run_is_made_again_with_its_bot_period_and_limit(tools: Toolbox) -> None:
    bot = await city(tools)
    old = await failed(tools, period="3d", limit=4, deliver=False)
    started = await retry(tools, old)
    assert started.is_new
    new = started.run
    assert (new.public_bot_id, new.period, new.post_limit, new.deliver) == (bot.id, old.period, 4, False)
    assert (new.requested_by, new.origin) == (ANNA.id, "operator")
    last = (await written(tools, bot.id))[-1]
    assert (last.kind, last.actor, last.run_id) == (ActionKind.RETRY, ANNA, new.id)


async def test_of_two_operators_who_retry_a_run_one_starts_it(tools: Toolbox) -> None:
    bot = await city(tools)
    old = await failed(tools)
    first, second = await asyncio.gather(retry(tools, old), retry(tools, old, BORIS))
    assert first.run.id == second.run.id
    assert sorted((first.is_new, second.is_new)) == [False, True]
    assert [one.kind for one in await written(tools, bot.id)] == [ActionKind.START, ActionKind.RETRY]


async def test_the_same_command_heard_twice_starts_one_run(tools: Toolbox) -> None:
    await city(tools)
    old = await failed(tools)
    first = await retry(tools, old)
    await cancel_run(tools, first.run.id, ANNA)
    again = await retry(tools, old)
    assert (again.run.id, again.is_new) == (first.run.id, False)
    assert (await retry(tools, old, message_id=2)).is_new, "another command may try once more"


@pytest.mark.parametrize(
    ("state", "refusal"),
    [(RunState.DONE, "retry.has_succeeded"), (RunState.QUEUED, "retry.goes_on")],
)
async def test_a_run_that_did_not_fail_is_not_retried(tools: Toolbox, state: RunState, refusal: str) -> None:
    await city(tools)
    started = await start_run(tools, Order("city"))
    if state is RunState.DONE:
        async with tools.database.write() as session:
            await runs.transition(session, started.run.id, {RunState.QUEUED}, RunState.DONE, NOON)
    with pytest.raises(ForPeople, match=refusal.replace(".", r"\.")):
        await retry(tools, started.run)


async def test_what_was_made_again_well_is_not_made_a_third_time(tools: Toolbox) -> None:
    await city(tools)
    old = await failed(tools)
    again = await retry(tools, old)
    async with tools.database.write() as session:
        await runs.transition(session, again.run.id, {RunState.QUEUED}, RunState.DONE, NOON)
    with pytest.raises(ForPeople) as refusal:
        await retry(tools, old, message_id=2)
    assert (refusal.value.message_id, refusal.value.params) == (
        "retry.made_again",
        {"run": old.id, "again": again.run.id},
    )
    with pytest.raises(ForPeople, match=r"run\.unknown"):
        await retry(tools, replace(old, id=99))


async def test_a_cancelled_run_can_be_made_again(tools: Toolbox) -> None:
    await city(tools)
    started = await start_run(tools, Order("city"))
    await cancel_run(tools, started.run.id, ANNA)
    assert (await retry(tools, started.run)).is_new


async def test_a_bots_file_is_written_down_where_it_changes_something(tools: Toolbox) -> None:
    spec = make_spec(token_env="CITY_TOKEN")
    box = TokenBox("key")

    async def apply(token: str | None = None, **changes: object) -> None:
        changed = replace(spec, **changes)  # type: ignore[arg-type]
        await apply_bots(tools, [changed], lambda: box, lambda name: token)

    await apply()
    async with tools.database.read() as session:
        bot = await public_bots.by_slug(session, "city")
    assert bot is not None
    await apply()
    assert [one.actor for one in await written(tools, bot.id)] == [COMMAND_LINE]
    await apply(title="The city")
    await apply("42:AAA", title="The city")
    assert [one.kind for one in await written(tools, bot.id)] == [ActionKind.APPLY_BOT] * 3


async def test_a_new_source_is_written_down_once(tools: Toolbox) -> None:
    await city(tools)
    for actor in (ANNA, BORIS):
        await add_channel(tools, chat_id=-1001, title="Trams", username="tram_news", actor=actor)
    async with tools.database.read() as session:
        (action,) = (await session.execute(select(ActionRow))).scalars()
    assert (action.kind, action.operator_id, action.operator_name) == (ActionKind.ADD_SOURCE, ANNA.id, "Anna")
    assert action.details == {"source": "tram_news"}
