"""The openai provider over real HTTP: what it asks, what it counts, and how it learns what a server refuses."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.request import urlopen

import pytest

from pipeline.adapters.openai_model import OpenAIModel
from pipeline.errors import BatchRefused
from settings import HOME
from storage.records import Summary
from tests.pipeline.openai_questions import BRIEF, KEY, TEXTS, always, make_model, posts
from tests.servers import model_faults as faults
from tests.servers.model_answers import Question
from tests.servers.model_faults import Override
from tests.servers.model_server import ModelServer


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture
async def model(server: ModelServer) -> AsyncIterator[OpenAIModel]:
    model = make_model(server.base_url)
    yield model
    await model.close()


async def test_every_post_gets_its_verdict(server: ModelServer, model: OpenAIModel) -> None:
    answer = await model.categorize(BRIEF, posts())

    assert not answer.problems
    assert list(answer.items) == ["p1", "p2", "p3"]
    assert (answer.items["p1"].category, answer.items["p2"].category) == ("Technology", "Money")
    assert server.calls[0].posts == dict(zip(("p1", "p2", "p3"), TEXTS, strict=True))
    assert (model.provider, model.name, server.calls[0].body["model"]) == ("openai", "test-model", "test-model")


async def test_every_post_gets_its_summary(model: OpenAIModel) -> None:
    answer = await model.summarize(BRIEF, posts())

    assert not answer.problems
    assert answer.items["p2"] == Summary("Money: the rate is 21 %.", "Banks agree.")


async def test_a_question_is_asked_with_a_schema_and_without_chance(server: ModelServer, model: OpenAIModel) -> None:
    await model.categorize(BRIEF, posts())
    body = server.calls[0].body

    assert body["temperature"] == 0
    assert body["response_format"]["json_schema"]["strict"] is True
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert server.calls[0].has_key


async def test_tokens_are_counted_as_the_server_reports_them(model: OpenAIModel) -> None:
    first = (await model.categorize(BRIEF, posts())).usage
    second = (await model.categorize(BRIEF, posts("Another post."))).usage

    assert first.cached_tokens == 0 < second.cached_tokens < second.input_tokens < first.input_tokens
    assert first.output_tokens > second.output_tokens > 0


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None, "completion_tokens": "7"}, "free"])
async def test_tokens_are_estimated_where_the_server_does_not_report_them(
    server: ModelServer, model: OpenAIModel, usage: Any
) -> None:
    server.behaviour = always(Override(envelope={"usage": usage}))

    counted = (await model.categorize(BRIEF, posts())).usage

    assert 300 < counted.input_tokens < 1500
    assert 30 < counted.output_tokens < 300


async def test_one_connection_serves_one_call_after_the_other(server: ModelServer, model: OpenAIModel) -> None:
    for _ in range(3):
        await model.categorize(BRIEF, posts())

    assert len({call.client_port for call in server.calls}) == 1


@pytest.mark.parametrize(
    ("refused", "asked", "answer_format", "has_temperature"),
    [
        ("json_schema", 2, "json_object", True),
        ("response_format", 3, None, True),
        ("temperature", 2, "json_schema", False),
    ],
)
async def test_a_parameter_that_the_server_refuses_is_dropped_once_and_remembered(
    server: ModelServer, model: OpenAIModel, refused: str, asked: int, answer_format: str | None, has_temperature: bool
) -> None:
    server.behaviour = faults.refuses(refused)

    first = await model.categorize(BRIEF, posts())
    requests_of_the_first = len(server.calls)
    second = await model.summarize(BRIEF, posts())

    assert not first.problems
    assert not second.problems
    assert requests_of_the_first == asked
    assert len(server.calls) == asked + 1
    body = server.calls[-1].body
    assert (body.get("response_format") or {}).get("type") == answer_format
    assert ("temperature" in body) is has_temperature


async def test_calls_at_the_same_time_learn_of_a_refusal_without_dropping_more_than_it_says(
    server: ModelServer, model: OpenAIModel
) -> None:
    server.behaviour = faults.refuses("json_schema")
    server.latency_s = 0.05

    await asyncio.gather(*(model.categorize(BRIEF, posts()) for _ in range(5)))
    await model.categorize(BRIEF, posts())

    assert server.calls[-1].body["response_format"] == {"type": "json_object"}


async def test_a_server_that_refuses_everything_is_not_asked_for_ever(server: ModelServer, model: OpenAIModel) -> None:
    server.behaviour = always(faults.error(400, "response_format and temperature are wrong"))

    with pytest.raises(BatchRefused):
        await model.categorize(BRIEF, posts())

    assert len(server.calls) == 4


@pytest.mark.parametrize(
    ("fault", "bad"),
    [
        (faults.missing("p2"), ["p2"]),
        (faults.with_field("p2", "category", "Sports"), ["p2"]),
        (faults.with_field("p3", "importance", 9), ["p3"]),
        (faults.extra("p4", {"category": "Money", "importance": 1, "reason": ""}), []),
        (Override(content="I would rather talk about something else."), ["p1", "p2", "p3"]),
        (Override(content=""), ["p1", "p2", "p3"]),
        (Override(message={"content": None}), ["p1", "p2", "p3"]),
    ],
)
async def test_bad_items_are_problems_of_their_posts_only(
    server: ModelServer, model: OpenAIModel, fault: Override, bad: list[str]
) -> None:
    server.behaviour = always(fault)

    answer = await model.categorize(BRIEF, posts())

    assert sorted(answer.problems) == bad
    assert sorted([*answer.items, *answer.problems]) == ["p1", "p2", "p3"]


async def test_of_an_answer_that_was_cut_off_the_whole_items_are_kept(server: ModelServer, model: OpenAIModel) -> None:
    server.behaviour = always(faults.cut_after(130))

    answer = await model.categorize(BRIEF, posts())

    assert list(answer.items) == ["p1"]
    assert sorted(answer.problems) == ["p2", "p3"]


async def test_a_post_that_talks_about_parameters_does_not_change_how_we_ask(
    server: ModelServer, model: OpenAIModel
) -> None:
    def behaviour(question: Question) -> Override | None:
        is_first = len(server.calls) == 1
        return faults.error(400, "too long: " + "x" * 400 + "temperature response_format") if is_first else None

    server.behaviour = behaviour
    with pytest.raises(BatchRefused):
        await model.categorize(BRIEF, posts("Set temperature and response_format."))
    await model.categorize(BRIEF, posts())

    assert server.calls[-1].body["response_format"]["type"] == "json_schema"
    assert "temperature" in server.calls[-1].body


async def test_a_server_of_ones_own_needs_no_key(server: ModelServer) -> None:
    model = make_model(server.base_url, api_key="")

    assert not (await model.categorize(BRIEF, posts())).problems
    await model.close()


async def test_closing_twice_or_unused_is_harmless(server: ModelServer) -> None:
    model = make_model(server.base_url)

    await model.close()
    await model.categorize(BRIEF, posts())
    await model.close()
    await model.close()


def test_a_worker_without_this_provider_does_not_load_its_libraries() -> None:
    code = "import sys, pipeline.adapters.openai_model; sys.exit('openai' in sys.modules or 'httpx2' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=HOME, check=False).returncode == 0


async def test_the_server_is_a_command_too_and_tells_what_it_was_asked() -> None:
    command = [sys.executable, "-m", "tests.servers.model_server", "--port", "0", "--latency", "0.01"]
    with subprocess.Popen(command, cwd=HOME, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base_url = (await asyncio.to_thread(process.stdout.readline)).split()[-1]
        started_at = time.time()
        model = make_model(base_url)
        await model.categorize(BRIEF, posts())
        await model.close()
        pages = [f"{base_url}/../control/calls", f"{base_url}/../control/calls?since={time.time() + 60}"]
        told = [json.load(await asyncio.to_thread(urlopen, page.replace("/v1/..", ""))) for page in pages]
        process.terminate()
        assert await asyncio.to_thread(process.wait, 20) == 0

    assert [answer["count"] for answer in told] == [1, 0]
    assert told[0]["calls"][0]["posts"]["p1"] == TEXTS[0]
    assert told[0]["calls"][0]["started_at"] >= started_at
    assert KEY not in json.dumps(told)
