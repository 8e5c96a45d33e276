"""The bare script that our engines are compared with makes the calls of a run, no others, in its phases; and the model
server that serves both forgets and fails as it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from benchmarks.posts import many_posts
from benchmarks.replay import old_way, phases_of, replay
from benchmarks.servers import ModelProcess, model_process
from tests.servers.model_answers import Question, read_question
from tests.servers.model_faults import Override, SomeFail
from tests.support import make_spec

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def model() -> Iterator[ModelProcess]:
    with model_process(latency_s=0.02) as server:
        yield server


def test_the_old_way_asks_about_one_post_after_another_first_for_its_category_then_for_its_summary() -> None:
    posts = many_posts(3, NOON)
    (bodies,) = old_way(posts, make_spec())
    questions = [read_question(body) for body in bodies]
    assert [question.kind for question in questions] == ["categorization", "summarization"] * 3
    assert [[*question.posts.values()] for question in questions] == [[post.text] for post in posts for _ in range(2)]


async def test_the_same_calls_are_made_again_and_summaries_wait_for_all_verdicts(model: ModelProcess) -> None:
    (bodies,) = old_way(many_posts(6, NOON), make_spec())
    phases = [bodies[0::2], bodies[1::2]]
    model.forget()
    (one,) = await replay(phases, model.url, concurrency=6)
    calls = model.calls()[6:]  # the first ones warm up
    assert [len(phase) for phase in phases_of(calls)] == [6, 6]
    asked = sorted(json.dumps(call["body"], sort_keys=True) for call in calls)
    assert asked == sorted(json.dumps(body, sort_keys=True) for body in bodies)
    last_verdict = max(call["ended_at"] for call in calls if call["kind"] == "categorization")
    assert all(call["started_at"] >= last_verdict for call in calls if call["kind"] == "summarization")
    assert one.cpu_s > 0
    model.forget()
    assert model.calls() == []


def test_a_share_of_the_calls_fails_in_more_than_one_way() -> None:
    question = Question("categorization", {}, (), None, "", "", {})
    behaviour = SomeFail(0.1)
    found = [behaviour(question) for _ in range(2000)]
    failures = [one for one in found if isinstance(one, Override)]
    assert 140 < len(failures) < 260
    assert len({(one.status, one.raw, one.reset) for one in failures}) > 4
    assert not any(SomeFail(0.0)(question) for _ in range(100))
