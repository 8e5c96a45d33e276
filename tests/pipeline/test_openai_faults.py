"""The openai provider against a server that misbehaves: every fault becomes the error that says what to do about it."""

from __future__ import annotations

import socket
import time
import traceback
from collections.abc import AsyncIterator
from email.utils import formatdate

import pytest

from pipeline.adapters.openai_model import OpenAIModel
from pipeline.errors import BatchRefused, ForPeople, Retryable
from tests.pipeline.openai_questions import BRIEF, KEY, always, make_model, posts
from tests.servers import model_faults as faults
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


RETRYABLE = {
    "408": faults.error(408),
    "409": faults.error(409),
    "429": faults.error(429, "Rate limit reached", code="rate_limit_exceeded"),
    "500": faults.error(500),
    "503": faults.error(503),
    "529": Override(status=529, raw=b"overloaded", content_type="text/plain"),
    "html": faults.html(),
    "empty": faults.empty(),
    "broken": faults.broken(),
    "no utf-8": Override(raw=b'{"choices": "\xff"}'),
    "a list": Override(raw=b"[]"),
    "null": Override(raw=b"null"),
    "deep": Override(raw=b"[" * 100_000),
    "no choices": faults.no_choices(),
    "empty choices": Override(envelope={"choices": []}),
    "strange choices": Override(envelope={"choices": ["p1"]}),
    "no message": Override(choice={"message": None}),
    "error inside": faults.error_inside(code=502),
    "overloaded inside": faults.error_inside(type="overloaded_error"),
    "rate limit inside": faults.error_inside(code=429),
    "error in the choice": Override(choice={"error": {"code": 502}, "finish_reason": "error"}),
    "reset": Override(reset=True),
}


@pytest.mark.parametrize("fault", RETRYABLE.values(), ids=RETRYABLE.keys())
async def test_what_may_pass_is_worth_a_retry_by_the_caller(
    server: ModelServer, model: OpenAIModel, fault: Override
) -> None:
    server.behaviour = always(fault)

    with pytest.raises(Retryable) as raised:
        await model.categorize(BRIEF, posts())

    assert raised.value.after_s is None
    assert 0 < len(raised.value.reason) < 80
    assert len(server.calls) == 1, "retrying is the caller's business"


async def test_after_a_fault_the_same_model_works_again(server: ModelServer, model: OpenAIModel) -> None:
    server.fail_next(1, 503)

    with pytest.raises(Retryable, match="HTTP 503"):
        await model.categorize(BRIEF, posts())

    assert not (await model.categorize(BRIEF, posts())).problems


REFUSED = {
    "400": faults.error(400, "the prompt is too long", code="context_length_exceeded"),
    "413": faults.error(413),
    "422": faults.error(422),
    "azure filter": faults.error(400, "filtered", code="content_filter"),
    "moderation": faults.error(403, "flagged", metadata={"reasons": ["violence"], "flagged_input": "…"}),
    "larger than the limit": faults.error(
        429, "Request too large for gpt on tokens per min", code="rate_limit_exceeded"
    ),
    "bad request inside": faults.error_inside(code=400),
    "refusal": faults.refusal(),
    "content filter": faults.content_filter(),
    "cut before the first item": faults.cut_after(30),
}


@pytest.mark.parametrize("fault", REFUSED.values(), ids=REFUSED.keys())
async def test_what_only_a_smaller_batch_can_help_is_refused(
    server: ModelServer, model: OpenAIModel, fault: Override
) -> None:
    server.behaviour = always(fault)

    with pytest.raises(BatchRefused) as raised:
        await model.summarize(BRIEF, posts())

    assert 0 < len(raised.value.reason) < 80
    assert len(server.calls) == 1


FOR_PEOPLE = [
    ("model.key_refused", faults.error(401, "Incorrect API key provided: " + KEY, code="invalid_api_key")),
    ("model.key_refused", faults.error(403, "Country not supported")),
    ("model.key_refused", faults.error(400, "API key not valid. Please pass a valid API key.")),
    ("model.quota", faults.error(429, "You exceeded your current quota", code="insufficient_quota")),
    ("model.quota", faults.error(429, "You exceeded your current quota", type="insufficient_quota", code=None)),
    ("model.quota", faults.error(402, "Insufficient credits")),
    ("model.quota", faults.error_inside(code="insufficient_quota")),
    ("model.unknown_model", faults.error(404, "model 'test-model' not found")),
    ("model.unknown_model", faults.error(400, "test-model is not a valid model ID")),
    ("model.unknown_model", Override(status=404, raw=b"<html>nothing here", content_type="text/html")),
    ("model.unknown_model", faults.error(405)),
]


@pytest.mark.parametrize(("message_id", "fault"), FOR_PEOPLE)
async def test_what_somebody_must_act_on_says_so(
    server: ModelServer, model: OpenAIModel, message_id: str, fault: Override
) -> None:
    server.behaviour = always(fault)

    with pytest.raises(ForPeople) as raised:
        await model.categorize(BRIEF, posts())

    assert raised.value.message_id == message_id
    assert raised.value.params["model"] == "test-model"
    assert len(server.calls) == 1


@pytest.mark.parametrize("address", ["localhost:11434/v1", "http://[::1"])
async def test_an_address_that_is_none_is_said_to_be_one(address: str) -> None:
    model = make_model(address)

    with pytest.raises(ForPeople, match=r"model\.bad_address"):
        await model.categorize(BRIEF, posts())
    await model.close()


async def test_a_server_that_is_not_there_is_worth_a_retry() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        model = make_model(f"http://user:{KEY}@127.0.0.1:{closed.getsockname()[1]}/v1")
        with pytest.raises(Retryable, match=r"no connection") as raised:
            await model.categorize(BRIEF, posts())
    await model.close()

    assert KEY not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("fault", [Override(hang=True), Override(drip_s=0.02)], ids=["hang", "drip"])
async def test_a_call_ends_at_its_deadline_whatever_the_server_does(server: ModelServer, fault: Override) -> None:
    model = make_model(server.base_url, timeout_s=0.3)
    server.behaviour = always(fault)

    started = time.monotonic()
    with pytest.raises(Retryable, match=r"no answer within 0\.3 s"):
        await model.categorize(BRIEF, posts())
    await model.close()

    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry-After": "20"}, 20, 20),
        ({"Retry-After": "0.5"}, 0.5, 0.5),
        ({"retry-after-ms": "1500", "Retry-After": "2"}, 1.5, 1.5),
        ({"Retry-After": "DATE +100"}, 60, 100),
        ({"Retry-After": "DATE -100"}, 0, 0),
        ({"Retry-After": "999999999"}, 86400, 86400),
    ],
)
async def test_the_wait_that_the_server_asks_for_is_passed_on(
    server: ModelServer, model: OpenAIModel, headers: dict[str, str], least: float, most: float
) -> None:
    word, _, seconds = headers["Retry-After"].partition(" ")
    if word == "DATE":  # made now: tests may have been collected minutes ago
        headers = {"Retry-After": formatdate(time.time() + int(seconds), usegmt=True)}
    server.fail_next(1, 429, headers)

    with pytest.raises(Retryable, match="HTTP 429") as raised:
        await model.categorize(BRIEF, posts())

    assert raised.value.after_s is not None
    assert least <= raised.value.after_s <= most


@pytest.mark.parametrize("value", ["soon", "", "nan", "inf", "Mon, 99 Foo"])
async def test_a_wait_that_cannot_be_understood_is_none(server: ModelServer, model: OpenAIModel, value: str) -> None:
    server.fail_next(1, 503, {"Retry-After": value})

    with pytest.raises(Retryable) as raised:
        await model.categorize(BRIEF, posts())

    assert raised.value.after_s is None


async def test_what_a_useless_answer_has_cost_is_known(server: ModelServer, model: OpenAIModel) -> None:
    server.behaviour = always(faults.refusal())

    with pytest.raises(BatchRefused) as raised:
        await model.categorize(BRIEF, posts())

    assert raised.value.usage is not None
    assert raised.value.usage.input_tokens > 300


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 503])
async def test_the_key_is_in_no_error_and_no_repr(server: ModelServer, model: OpenAIModel, status: int) -> None:
    server.behaviour = always(faults.error(status, f"the key {KEY} is bad", code=KEY, type=KEY, param=KEY))

    with pytest.raises((Retryable, BatchRefused, ForPeople)) as raised:
        await model.categorize(BRIEF, posts())

    shown = [
        repr(raised.value),
        str(raised.value),
        *traceback.format_exception(raised.value),
        repr(vars(model)),
        repr(model),
    ]
    assert KEY not in "".join(shown)


@pytest.mark.parametrize("key", ["sk-ключ-секрет", "sk-a\nb-секрет", "sk-a\x00b-секрет"])
async def test_a_key_that_cannot_be_sent_is_refused_without_being_shown(server: ModelServer, key: str) -> None:
    model = make_model(server.base_url, api_key=key)

    with pytest.raises(ForPeople, match=r"model\.key_refused") as raised:
        await model.categorize(BRIEF, posts())

    assert "секрет" not in "".join(traceback.format_exception(raised.value))
    assert not server.calls
