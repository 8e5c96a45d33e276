"""What is done when the model's side is in trouble: who is to blame, who takes over, what waits, and who is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from pipeline.adapters.local_model_gate import LocalModelGate
from pipeline.errors import BatchRefused, ForPeople, PromptCut, Retryable
from pipeline.ports import Limits, PostText, Usage
from pipeline.services.starting import Order, start_run
from pipeline.stages.tokens import estimate_tokens
from pipeline.toolbox import Toolbox
from storage import operators, ringing
from storage.database import Database
from storage.records import Engine, PostStatus, RunProgress, RunState
from tests.fakes import Behaviour, FakeModel
from tests.support import NOON, do_all_work, make_posts, make_provider, make_tools, open_desk

FRAME_TOKENS = 500


@pytest.fixture(autouse=True)
def no_waiting_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' clock stands still while something waits."""
    monkeypatch.setattr("pipeline.services.asking.LONGEST_WAIT_IN_PLACE_S", 0.05)


@dataclass
class Clock:
    """One for the rows and for the gates."""

    passed_s: float = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed_s)

    def seconds(self) -> float:
        return self.passed_s


def gate(clock: Clock, limits: Limits | None = None) -> LocalModelGate:
    return LocalModelGate(limits or Limits(), clock=clock.seconds)


def desk_tools(database: Database, clock: Clock, model: FakeModel, second: FakeModel | None = None) -> Toolbox:
    providers = [make_provider(model, gate(clock))]
    if second is not None:
        providers.append(make_provider(second, gate(clock), is_fallback=True))
    return make_tools(database, providers=tuple(providers), now=clock.now)


async def work_for(tools: Toolbox, clock: Clock, run_id: int, seconds: float, step_s: float = 5) -> RunProgress:
    """Let time pass in small steps, doing all that is due, until the run ends or the time is over."""
    ends_at = clock.passed_s + seconds
    while True:
        progress = await do_all_work(tools, run_id)
        if progress.run.state.has_ended or clock.passed_s >= ends_at:
            return progress
        clock.passed_s += step_s


def failing(error: Callable[[], Exception], when: Callable[[str, Sequence[PostText]], bool]) -> Behaviour:
    async def behaviour(kind: str, posts: Sequence[PostText]) -> None:
        if when(kind, posts):
            raise error()

    return behaviour


def holds(word: str) -> Callable[[str, Sequence[PostText]], bool]:
    return lambda kind, posts: any(word in post.text for post in posts)


def asked(model: FakeModel) -> int:
    return len([kind for kind, texts in model.calls if texts])


async def told(database: Database) -> list[str]:
    async with database.read() as session:
        return [fault.message_id for fault in await operators.untold(session)]


async def test_a_post_on_which_the_server_fails_is_set_aside_and_all_others_come_through(database: Database) -> None:
    await open_desk(database, make_posts(10))
    clock = Clock()
    model = FakeModel(behaviour=failing(lambda: Retryable("HTTP 500"), holds("story 7:")))
    tools = desk_tools(database, clock, model)
    started = await start_run(tools, Order("city"))
    ended = await work_for(tools, clock, started.run.id, 60)
    assert ended.run.state is RunState.DONE
    assert ended.count(PostStatus.SET_ASIDE) == 1
    assert ended.count(PostStatus.SUMMARIZED) == 9
    assert len([kind for kind, texts in model.calls if kind == "categorize"]) <= 2 + 7


async def test_an_outage_costs_time_and_no_post(database: Database) -> None:
    await open_desk(database, make_posts(10))
    clock = Clock()
    model = FakeModel(behaviour=failing(lambda: Retryable("HTTP 503"), lambda kind, posts: clock.passed_s < 300))
    tools = desk_tools(database, clock, model)
    started = await start_run(tools, Order("city"))
    waiting = await work_for(tools, clock, started.run.id, 290)
    assert waiting.run.state is RunState.CATEGORIZING
    assert waiting.waits_because is not None
    assert len(model.calls) < 30, "a provider that is out of order is not asked all the time"
    ended = await work_for(tools, clock, started.run.id, 300)
    assert ended.run.state is RunState.DONE
    assert ended.count(PostStatus.SUMMARIZED) == 10


async def test_an_outage_of_an_hour_ends_the_run_with_the_reason(database: Database) -> None:
    await open_desk(database, make_posts(1))
    clock = Clock()
    model = FakeModel(behaviour=failing(lambda: Retryable("HTTP 503"), lambda kind, posts: True))
    tools = desk_tools(database, clock, model)
    started = await start_run(tools, Order("city"))
    ended = await work_for(tools, clock, started.run.id, 3 * 3600, step_s=60)
    assert ended.run.failure is not None
    assert ended.run.failure.message_id == "model.unavailable"
    assert clock.passed_s > 1800


async def test_retry_after_holds_all_batches_and_none_of_them_is_asked_within_it(database: Database) -> None:
    await open_desk(database, make_posts(30))
    clock, moments = Clock(), list[float]()

    async def too_many(kind: str, posts: Sequence[PostText]) -> None:
        moments.append(clock.passed_s)
        if len(moments) == 2:
            raise Retryable("HTTP 429", after_s=20)

    tools = desk_tools(database, clock, FakeModel(behaviour=too_many))
    started = await start_run(tools, Order("city"))
    ended = await work_for(tools, clock, started.run.id, 120)
    assert ended.run.state is RunState.DONE
    assert [moment for moment in moments[2:] if moment - moments[1] < 20] == []


async def test_a_refused_key_holds_the_run_until_it_works_and_says_so(database: Database) -> None:
    await open_desk(database, make_posts(30))
    clock = Clock()
    no_key = failing(
        lambda: ForPeople("model.key_refused", status=401, model="fake-1"), lambda kind, posts: clock.passed_s < 600
    )
    model = FakeModel(behaviour=no_key)
    tools = desk_tools(database, clock, model)
    started = await start_run(tools, Order("city"))
    waiting = await work_for(tools, clock, started.run.id, 590)
    assert waiting.run.state is RunState.CATEGORIZING
    assert waiting.model_failure is not None
    assert waiting.model_failure.message_id == "model.key_refused"
    assert asked(model) <= 21, "one call finds out, every thirty seconds"
    assert await told(database) == ["model.key_refused"]
    ended = await work_for(tools, clock, started.run.id, 120)
    assert ended.run.state is RunState.DONE
    assert ended.model_failure is None
    assert await told(database) == ["model.key_refused", "model.works_again"]


async def test_a_second_provider_takes_over_meanwhile_and_the_run_says_so(database: Database) -> None:
    await open_desk(database, make_posts(10))
    clock = Clock()
    no_quota = failing(
        lambda: ForPeople("model.quota", status=429, model="fake-1"), lambda kind, posts: clock.passed_s < 45
    )
    first, second = FakeModel(behaviour=no_quota), FakeModel(name="fake-2")
    tools = desk_tools(database, clock, first, second)
    started = await start_run(tools, Order("city"))
    ended = await work_for(tools, clock, started.run.id, 120)
    assert ended.run.state is RunState.DONE
    assert ended.run.model == "fake-1"
    assert ended.fallback_model == "fake-2"
    assert asked(second) > 0
    assert clock.passed_s < 120


async def test_a_provider_that_works_needs_no_fallback(database: Database) -> None:
    await open_desk(database, make_posts(10))
    second = FakeModel(name="fake-2")
    tools = desk_tools(database, Clock(), FakeModel(), second)
    started = await start_run(tools, Order("city"))
    ended = await do_all_work(tools, started.run.id)
    assert ended.fallback_model is None
    assert second.calls == []


async def test_a_second_run_over_the_same_posts_asks_nothing(database: Database) -> None:
    await open_desk(database, make_posts(30))
    clock = Clock()
    model = FakeModel()
    tools = desk_tools(database, clock, model)
    runs = []
    for _ in range(2):
        started = await start_run(tools, Order("city", deliver=False))
        runs.append(await do_all_work(tools, started.run.id))
    first, second = runs
    assert first.model_calls > 0
    assert second.run.state is RunState.DONE
    assert second.run.id != first.run.id
    assert second.model_calls == 0
    assert len(model.calls) == first.model_calls
    assert second.posts == first.posts


async def test_the_lead_that_stands_in_for_a_doubtful_summary_is_not_kept(database: Database) -> None:
    await open_desk(database, make_posts(1, word="Transport"))
    clock, model = Clock(), FakeModel(summary_of=lambda post: "Ninety-nine 99 trams")
    tools = desk_tools(database, clock, model)
    for calls in (3, 5):
        started = await start_run(tools, Order("city", deliver=False))
        ended = await do_all_work(tools, started.run.id)
        assert ended.count(PostStatus.SUMMARIZED) == 1
        assert len(model.calls) == calls, "the verdict was kept, the summary was not"


async def test_a_server_that_cuts_prompts_gets_smaller_batches_from_then_on(database: Database) -> None:
    await open_desk(database, make_posts(20))
    clock = Clock()
    sizes, cuts = list[int](), list[int]()

    async def cut(kind: str, posts: Sequence[PostText]) -> None:
        sizes.append(len(posts))
        sent = FRAME_TOKENS + sum(estimate_tokens(post.text) for post in posts)
        if sent > FRAME_TOKENS + 50:
            cuts.append(sent)
            raise PromptCut(Usage(input_tokens=FRAME_TOKENS + 50), asked_tokens=sent)

    tools = desk_tools(database, clock, FakeModel(behaviour=cut))
    started = await start_run(tools, Order("city"))
    ended = await work_for(tools, clock, started.run.id, 60)
    assert ended.run.state is RunState.DONE
    assert ended.count(PostStatus.SET_ASIDE) == 0
    assert sizes[0] == 5
    assert len(cuts) == 1, "nothing is asked that would be cut again"
    assert max(sizes[1:]) < 5
    assert await told(database) == ["model.prompt_cut"]


async def test_a_refusal_says_that_the_provider_works(database: Database) -> None:
    await open_desk(database, make_posts(10))
    clock = Clock()
    model = FakeModel(behaviour=failing(lambda: BatchRefused("content filter"), lambda kind, posts: True))
    tools = desk_tools(database, clock, model)
    started = await start_run(tools, Order("city"))
    ended = await do_all_work(tools, started.run.id)
    assert ended.run.failure is not None
    assert ended.run.failure.message_id == "run.all_set_aside"
    async with database.read() as session:
        assert not await ringing.due(session, Engine.CELERY, clock.now(), 10)
