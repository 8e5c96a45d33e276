"""A run from its start to its end, with a model that obeys and one that does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from pipeline.errors import BatchRefused, ForPeople, Retryable
from pipeline.ports import PostText
from pipeline.services.following import load_digest
from pipeline.services.starting import Order, cancel_run, start_run
from pipeline.toolbox import Toolbox
from storage import operators, posts
from storage.database import Database
from storage.records import Actor, Failure, PostStatus, RunProgress, RunState
from tests.fakes import FakeModel
from tests.support import NOON, do_all_work, make_posts, make_spec, make_tools, open_desk


async def finish_a_run(tools: Toolbox, **order: object) -> RunProgress:
    started = await start_run(tools, Order("city", **order))  # type: ignore[arg-type]
    return await do_all_work(tools, started.run.id)


@pytest.mark.parametrize("number", [1, 5, 10, 50])
async def test_every_post_is_accounted_for(database: Database, number: int) -> None:
    await open_desk(database, make_posts(number))
    tools = make_tools(database)
    ended = await finish_a_run(tools)
    assert ended.run.state is RunState.DONE
    assert sum(ended.posts.values()) == number
    assert ended.count(PostStatus.SUMMARIZED) == min(number, 10)
    assert ended.count(PostStatus.SUMMARIZED, PostStatus.PASSED_OVER) == number
    digest = await load_digest(tools, ended.run.id)
    assert digest is not None
    assert len(digest.items) == min(number, 10)
    assert all(item.url for item in digest.items)


async def test_a_post_that_comes_late_is_in_the_next_digest(database: Database) -> None:
    """Published before the last digest was made, and brought to us after it, as by a bot that was down."""
    first, late = make_posts(2)
    await open_desk(database, [first])
    clock = [NOON]
    tools = make_tools(database, now=lambda: clock[0])
    assert (await finish_a_run(tools)).count(PostStatus.SUMMARIZED) == 1
    clock[0] = NOON + timedelta(hours=1)
    async with database.write() as session:
        await posts.store(session, 1, [late], clock[0])
    again = await finish_a_run(tools)
    assert again.count(PostStatus.SUMMARIZED) == 1
    assert again.count(PostStatus.GIVEN_BEFORE) == 0


async def test_only_the_chosen_posts_are_summarized(database: Database) -> None:
    await open_desk(database, make_posts(30), make_spec(max_posts_per_digest=4))
    model = FakeModel()
    await finish_a_run(make_tools(database, model))
    assert sum(len(texts) for kind, texts in model.calls if kind == "categorize") == 30
    assert sum(len(texts) for kind, texts in model.calls if kind == "summarize") == 4
    assert all(len(texts) <= 5 for _, texts in model.calls)


async def test_every_task_may_run_twice(database: Database) -> None:
    await open_desk(database, make_posts(23))
    model = FakeModel()
    tools = make_tools(database, model)
    started = await start_run(tools, Order("city"))
    ended = await do_all_work(tools, started.run.id, times=3)
    assert ended.run.state is RunState.DONE
    assert len(model.calls) == 5 + 2
    assert ended.model_calls == len(model.calls)
    assert ended.input_tokens == 100 * 33


async def test_posts_that_were_given_are_not_given_again(database: Database) -> None:
    await open_desk(database, make_posts(12), make_spec(max_posts_per_digest=8))
    tools = make_tools(database)
    first = await finish_a_run(tools, period="24h")
    second = await finish_a_run(tools, period="24h")
    third = await finish_a_run(tools, period="24h")
    assert first.count(PostStatus.SUMMARIZED) == 8
    assert (second.count(PostStatus.GIVEN_BEFORE), second.count(PostStatus.SUMMARIZED)) == (8, 4)
    assert third.count(PostStatus.GIVEN_BEFORE) == 12
    assert third.run.state is RunState.DONE
    assert await load_digest(tools, third.run.id) is None


async def test_posts_of_a_digest_that_was_not_delivered_stay_free(database: Database) -> None:
    await open_desk(database, make_posts(3))
    tools = make_tools(database)
    await finish_a_run(tools, period="24h", deliver=False)
    again = await finish_a_run(tools, period="24h")
    assert again.count(PostStatus.SUMMARIZED) == 3


async def test_the_same_visible_text_counts_once(database: Database) -> None:
    same = [*make_posts(3), *make_posts(2, start=11)]
    reposted = [*same[:4], type(same[4])("repost", same[4].published_at, same[0].text.upper())]
    await open_desk(database, reposted)
    ended = await finish_a_run(make_tools(database))
    assert ended.count(PostStatus.DUPLICATE) == 1
    assert ended.count(PostStatus.SUMMARIZED) == 4


async def test_irrelevant_posts_are_told_apart(database: Database) -> None:
    await open_desk(database, [*make_posts(3), *make_posts(4, word="Gossip", start=50)])
    ended = await finish_a_run(make_tools(database))
    assert ended.count(PostStatus.IRRELEVANT) == 4
    assert ended.count(PostStatus.SUMMARIZED) == 3


async def test_a_run_without_posts_ends_and_says_so(database: Database) -> None:
    await open_desk(database, [])
    ended = await finish_a_run(make_tools(database))
    assert ended.run.state is RunState.DONE
    assert ended.posts == {}


async def test_a_post_the_model_leaves_out_is_asked_again_and_then_set_aside(database: Database) -> None:
    await open_desk(database, make_posts(5))
    model = FakeModel(leaves_out=lambda post: "story 3:" in post.text)
    ended = await finish_a_run(make_tools(database, model))
    assert ended.count(PostStatus.SET_ASIDE) == 1
    assert ended.count(PostStatus.SUMMARIZED) == 4
    sizes = [len(texts) for kind, texts in model.calls if kind == "categorize"]
    assert sizes == [5, 1, 1]


async def test_a_refused_batch_is_split_down_to_the_post_that_is_refused(database: Database) -> None:
    async def refuse(kind: str, posts: Sequence[PostText]) -> None:
        if any("story 2:" in post.text for post in posts):
            raise BatchRefused("content filter")

    await open_desk(database, make_posts(5))
    model = FakeModel(behaviour=refuse)
    ended = await finish_a_run(make_tools(database, model))
    assert ended.count(PostStatus.SET_ASIDE) == 1
    assert ended.count(PostStatus.SUMMARIZED) == 4
    assert len([kind for kind, _ in model.calls if kind == "categorize"]) <= 1 + 7


async def test_when_all_posts_are_set_aside_the_run_fails_with_the_reason(database: Database) -> None:
    await open_desk(database, make_posts(3))
    ended = await finish_a_run(make_tools(database, FakeModel(leaves_out=lambda post: True)))
    assert ended.run.state is RunState.FAILED
    assert ended.run.failure is not None
    assert ended.run.failure.message_id == "run.all_set_aside"
    assert ended.count(PostStatus.SET_ASIDE) == 3


async def test_a_refused_key_makes_the_run_wait_and_say_why(database: Database) -> None:
    async def refuse(kind: str, posts: Sequence[PostText]) -> None:
        raise ForPeople("model.key_refused", status=401, model="m")

    await open_desk(database, make_posts(50))
    model = FakeModel(behaviour=refuse)
    waiting = await finish_a_run(make_tools(database, model))
    assert waiting.run.state is RunState.CATEGORIZING
    assert waiting.model_failure == Failure("model.key_refused", {"status": 401, "model": "m"})
    assert len(model.calls) == 1, "a key that was refused is not tried again and again"
    assert waiting.count(PostStatus.FRESH) == 50
    async with database.read() as session:
        (fault,) = await operators.untold(session)
    assert fault.message_id == "model.key_refused"


async def test_a_model_that_is_away_is_asked_later(database: Database) -> None:
    async def ask_for_time(kind: str, posts: Sequence[PostText]) -> None:
        raise Retryable("HTTP 429", after_s=30)

    await open_desk(database, make_posts(5))
    model = FakeModel(behaviour=ask_for_time)
    waiting = await finish_a_run(make_tools(database, model))
    assert waiting.run.state is RunState.CATEGORIZING
    assert len(model.calls) == 1
    assert waiting.model_calls == 1


async def test_after_cancel_nothing_is_asked_or_saved(database: Database) -> None:
    await open_desk(database, make_posts(20))

    async def cancel_during_the_second_call(kind: str, posts: Sequence[PostText]) -> None:
        if len(model.calls) == 2:
            await cancel_run(tools, started.run.id, Actor(7, "Anna"))
            raise Retryable("HTTP 503")

    model = FakeModel(behaviour=cancel_during_the_second_call)
    tools = make_tools(database, model)
    started = await start_run(tools, Order("city"))
    ended = await do_all_work(tools, started.run.id)
    assert ended.run.state is RunState.CANCELLED
    assert ended.run.cancelled_by == 7
    assert len(model.calls) == 2
    assert ended.count(PostStatus.DROPPED) == 20
    assert ended.model_calls == 2, "what was asked is paid for, cancelled or not"
    assert not await cancel_run(tools, started.run.id, Actor(7, "Anna"))


async def test_a_second_command_for_the_same_bot_gets_the_same_run(database: Database) -> None:
    await open_desk(database, make_posts(5))
    tools = make_tools(database)
    first = await start_run(tools, Order("city", chat_id=1, message_id=10))
    again = await start_run(tools, Order("CITY", chat_id=1, message_id=11))
    assert first.is_new
    assert not again.is_new
    assert first.run.id == again.run.id
    await do_all_work(tools, first.run.id)
    repeated = await start_run(tools, Order("city", chat_id=1, message_id=10))
    assert not repeated.is_new
    assert repeated.run.id == first.run.id


@pytest.mark.parametrize(
    ("order", "message_id"),
    [
        (Order("nope"), "digest.unknown_bot"),
        (Order("city", period="yesterday"), "digest.bad_period"),
        (Order("city", limit=0), "digest.bad_limit"),
    ],
)
async def test_a_wrong_order_says_what_is_wrong(database: Database, order: Order, message_id: str) -> None:
    await open_desk(database, [])
    with pytest.raises(ForPeople) as caught:
        await start_run(make_tools(database), order)
    assert caught.value.message_id == message_id
