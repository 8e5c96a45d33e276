"""Too few posts: a digest is skipped, shortened, or says so, as the public bot wants it. A fault is no quiet day."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.services.following import load_digest
from pipeline.services.starting import Order, start_run
from pipeline.toolbox import Toolbox
from storage import runs
from storage.database import Database
from storage.records import IncomingPost, PostStatus, QuietDay, RunProgress, RunState
from tests.fakes import FakeCouriers, FakeModel
from tests.support import do_all_work, make_posts, make_settings, make_spec, make_tools, open_bot, open_desk

READERS = (101, 102)
SENTENCE = "A quiet day: there is nothing that is worth your time."


async def run_once(tools: Toolbox, period: str | None = "24h", limit: int | None = None) -> RunProgress:
    started = await start_run(tools, Order("city", period, limit))
    return await do_all_work(tools, started.run.id)


def kinds_of_calls(model: FakeModel) -> set[str]:
    return {kind for kind, _ in model.calls}


def unreadable(*numbers: int) -> FakeModel:
    """A model that never answers for the stories of these numbers."""
    return FakeModel(leaves_out=lambda post: any(f"story {number}:" in post.text for number in numbers))


async def test_a_skipped_quiet_day_gives_nothing_and_keeps_its_posts_for_the_next_digest(database: Database) -> None:
    couriers, model = FakeCouriers(), FakeModel()
    bot_id = await open_bot(database, make_posts(2), READERS, make_spec(min_posts=3, quiet_day="skip"))
    tools = make_tools(database, model, couriers=couriers)
    ended = await run_once(tools, period=None)
    assert (ended.run.state, ended.run.quiet_day, ended.run.min_posts) == (RunState.DONE, QuietDay.SKIP, 3)
    assert ended.count(PostStatus.PASSED_OVER) == 2
    assert await load_digest(tools, ended.run.id) is None
    assert kinds_of_calls(model) == {"categorize"}
    assert couriers.attempts == []
    async with database.read() as session:
        assert await runs.last_given_period_end(session, bot_id) is None
    await open_bot(database, make_posts(1, start=50), READERS, make_spec(min_posts=3, quiet_day="skip"))
    with_another_post = await run_once(tools, period=None)
    assert with_another_post.count(PostStatus.SUMMARIZED) == 3


async def test_a_shortened_quiet_day_gives_the_few_there_are(database: Database) -> None:
    couriers = FakeCouriers()
    await open_bot(database, make_posts(2), READERS, make_spec(min_posts=3, quiet_day="shorten"))
    tools = make_tools(database, couriers=couriers)
    ended = await run_once(tools)
    assert (ended.run.state, ended.run.quiet_day) == (RunState.DONE, QuietDay.SHORTEN)
    digest = await load_digest(tools, ended.run.id)
    assert digest is not None
    assert len(digest.items) == 2
    assert sorted(one.chat_id for one in couriers.delivered) == [*READERS]


@pytest.mark.parametrize("incoming", [[], make_posts(2, word="Gossip")], ids=["no posts", "none that fits"])
async def test_nothing_cannot_be_shortened(database: Database, incoming: list[IncomingPost]) -> None:
    couriers = FakeCouriers()
    await open_bot(database, incoming, READERS, make_spec(min_posts=3, quiet_day="shorten"))
    ended = await run_once(make_tools(database, couriers=couriers))
    assert (ended.run.state, ended.run.quiet_day) == (RunState.DONE, QuietDay.SKIP)
    assert couriers.attempts == []


async def test_a_quiet_day_that_is_said_reaches_every_reader_once_in_the_bots_language(database: Database) -> None:
    couriers, model = FakeCouriers(), FakeModel()
    spec = make_spec(min_posts=3, quiet_day="say", language="ru", title="Городские новости")
    bot_id = await open_bot(database, make_posts(2), READERS, spec)
    tools = make_tools(database, model, couriers=couriers)
    started = await start_run(tools, Order("city"))
    ended = await do_all_work(tools, started.run.id, times=3)
    assert (ended.run.state, ended.run.quiet_day) == (RunState.DONE, QuietDay.SAY)
    assert ended.count(PostStatus.PASSED_OVER) == 2
    assert kinds_of_calls(model) == {"categorize"}
    assert sorted(one.chat_id for one in couriers.delivered) == [*READERS]
    for carried in couriers.delivered:
        assert carried.text.startswith("Городские новости\n")
        assert carried.text.endswith("\n\nТихий день: ничего, что стоило бы вашего времени.")
    async with database.read() as session:
        assert await runs.last_given_period_end(session, bot_id) == ended.run.period.end


@pytest.mark.parametrize(
    "incoming",
    [[], make_posts(2, word="Gossip"), [*make_posts(1, word="Gossip"), *make_posts(1)]],
    ids=["no posts", "none that fits", "one that fits"],
)
async def test_a_quiet_day_is_said_however_quiet_it_was(database: Database, incoming: list[IncomingPost]) -> None:
    couriers = FakeCouriers()
    await open_bot(database, incoming, READERS, make_spec(min_posts=2, quiet_day="say"))
    ended = await run_once(make_tools(database, couriers=couriers))
    assert ended.run.quiet_day is QuietDay.SAY
    assert [SENTENCE in one.text for one in couriers.delivered] == [True, True]


async def test_a_quiet_day_is_said_when_all_posts_were_given_before(database: Database) -> None:
    couriers = FakeCouriers()
    await open_bot(database, make_posts(2), READERS, make_spec(quiet_day="say"))
    tools = make_tools(database, couriers=couriers)
    await run_once(tools)
    again = await run_once(tools)
    assert (again.count(PostStatus.GIVEN_BEFORE), again.run.quiet_day) == (2, QuietDay.SAY)
    assert [SENTENCE in one.text for one in couriers.delivered] == [False, False, True, True]


@pytest.mark.parametrize("wish", ["skip", "say"])
async def test_posts_that_the_model_failed_on_make_no_quiet_day(database: Database, wish: str) -> None:
    """With them it might have been enough: the operators are told, and the readers nothing."""
    couriers = FakeCouriers()
    await open_bot(database, make_posts(3), READERS, make_spec(min_posts=3, quiet_day=wish))
    ended = await run_once(make_tools(database, unreadable(2), couriers=couriers))
    assert ended.run.state is RunState.FAILED
    assert ended.run.failure is not None
    assert ended.run.failure.message_id == "run.too_few_judged"
    assert (ended.run.failure.params["chosen"], ended.run.failure.params["least"]) == (2, 3)
    assert ended.run.failure.params["reason"]
    assert couriers.attempts == []


@pytest.mark.parametrize("wish", ["skip", "shorten", "say"])
async def test_a_model_that_fails_on_every_post_makes_no_quiet_day(database: Database, wish: str) -> None:
    couriers = FakeCouriers()
    await open_bot(database, make_posts(1), READERS, make_spec(min_posts=9, quiet_day=wish))
    ended = await run_once(make_tools(database, unreadable(1), couriers=couriers))
    assert ended.run.state is RunState.FAILED
    assert couriers.attempts == []


async def test_a_failure_that_changes_nothing_leaves_a_quiet_day_quiet(database: Database) -> None:
    """One of six: even with it there would be too few, and it is too small a part to ask the operators first."""
    couriers = FakeCouriers()
    await open_bot(database, make_posts(6), READERS, make_spec(min_posts=9, quiet_day="say"))
    ended = await run_once(make_tools(database, unreadable(2), couriers=couriers))
    assert ended.run.quiet_day is QuietDay.SAY
    assert [SENTENCE in one.text for one in couriers.delivered] == [True, True]


async def test_the_bots_own_wish_wins_over_the_settings(database: Database) -> None:
    settings = make_settings(digest={"min_posts": 3, "quiet_day": "say"})
    tools = make_tools(database, settings=settings)
    await open_desk(database, make_posts(2))
    assert (await run_once(tools)).run.quiet_day is QuietDay.SAY
    await open_desk(database, [], make_spec(quiet_day="skip"))
    assert (await run_once(tools)).run.quiet_day is QuietDay.SKIP
    await open_desk(database, [], make_spec(min_posts=2))
    enough = await run_once(tools)
    assert (enough.run.quiet_day, enough.count(PostStatus.SUMMARIZED)) == (None, 2)


async def test_whoever_asks_for_two_posts_gets_two_whatever_a_digest_should_have(database: Database) -> None:
    await open_desk(database, make_posts(5), make_spec(min_posts=3))
    ended = await run_once(make_tools(database), limit=2)
    assert (ended.run.quiet_day, ended.count(PostStatus.SUMMARIZED)) == (None, 2)


async def test_no_post_at_all_is_a_quiet_day_even_where_none_is_needed(database: Database) -> None:
    await open_desk(database, [], make_spec(min_posts=0, quiet_day="say"))
    assert (await run_once(make_tools(database))).run.quiet_day is QuietDay.SAY


async def test_a_quiet_day_of_a_bot_whose_digests_are_approved_is_approved_too(database: Database) -> None:
    couriers = FakeCouriers()
    await open_bot(database, [], READERS, replace(make_spec(quiet_day="say"), approval=True))
    waiting = await run_once(make_tools(database, couriers=couriers))
    assert waiting.run.state is RunState.AWAITING_APPROVAL
    assert couriers.attempts == []
