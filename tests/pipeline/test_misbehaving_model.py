"""Five hundred posts and a model server that misbehaves whenever it sees one of the fifty poisoned ones."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from pipeline.adapters.openai_model import OpenAIModel
from pipeline.services.starting import Order, start_run
from pipeline.services.working import perform
from pipeline.toolbox import Toolbox
from pipeline.wiring import utc_now
from storage import posts, ringing, run_posts, runs, work
from storage.database import Database
from storage.progress import of_runs
from storage.records import Engine, Ring, RunState, Verdict
from tests.servers import model_faults
from tests.servers.model_answers import Answers, Question, good_answers, read_question
from tests.servers.model_faults import Override
from tests.servers.model_server import Call, ModelServer
from tests.support import make_posts, make_provider, make_spec, make_tools, open_desk

POSTS, BATCH, AT_ONCE = 500, 5, 8
HANG_S = 2.0


ITEMS: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
    "missing": lambda item: None,
    "no category": lambda item: {**item, "category": None},
    "foreign category": lambda item: {**item, "category": "Weather on Mars"},
    "bad importance": lambda item: {**item, "importance": "very"},
}
WHOLE = {
    "cut off": model_faults.cut_after(5),
    "refusal": model_faults.refusal(),
    "content filter": model_faults.content_filter(),
    "prose": Override(content="I am afraid that I cannot sort these posts."),
    "html": model_faults.html(),
    "error inside": model_faults.error_inside(code=503),
    "broken": model_faults.broken(),
    "500": model_faults.error(500),
    "400": model_faults.error(400, "the request is too strange"),
    "reset": Override(reset=True),
    "hang": Override(hang=True),
}
POISON = dict(
    zip(random.Random(4).sample(range(1, POSTS + 1), POSTS // 10), itertools.cycle([*ITEMS, *WHOLE]), strict=False)
)


def number_of(text: str) -> int:
    return int(text.split("story ")[1].split(":", maxsplit=1)[0])


def misbehave(question: Question) -> Override | None:
    """What one poisoned post does to the whole answer, else what each does to its own item."""
    poison = {key: POISON[number] for key, text in question.posts.items() if (number := number_of(text)) in POISON}
    whole = next((WHOLE[kind] for kind in poison.values() if kind in WHOLE), None)
    if whole is not None or not poison:
        return whole

    def spoil(answers: Answers) -> Answers:
        spoilt = {key: ITEMS[poison[key]](item) if key in poison else item for key, item in answers.items()}
        return {key: item for key, item in spoilt.items() if item is not None}

    return Override(change=spoil)


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer(latency_s=0.01) as server:
        server.behaviour = misbehave
        yield server


async def do_all_work_side_by_side(tools: Toolbox, run_id: int) -> None:
    """Do whatever is due, several pieces at a time, until nothing is open."""

    async def do(ring: Ring) -> None:
        async with slots:
            await perform(tools, ring.kind, ring.work_id)

    slots = asyncio.Semaphore(AT_ONCE)
    async with asyncio.timeout(240):
        while True:
            async with tools.database.read() as session:
                due = await ringing.due(session, Engine.CELERY, tools.now(), 1000)
                is_open = bool(await work.waiting_kinds(session, run_id))
            if not is_open:
                return
            await asyncio.gather(*(do(ring) for ring in due))
            await asyncio.sleep(0.05)


def batches_of(calls: Sequence[Call]) -> dict[frozenset[int], int]:
    """The batches that were asked for first, and how many calls each has caused; questions without a post are none."""
    found: dict[frozenset[int], int] = {}
    for call in calls:
        numbers = frozenset(number_of(text) for text in call.posts.values())
        whole = next((batch for batch in found if numbers <= batch), numbers)
        if numbers:
            found[whole] = found.get(whole, 0) + 1
    return found


def expected_verdict(server: ModelServer, text: str) -> Verdict:
    """What the server says of a post in every batch."""
    call = next(call for call in server.calls if call.kind == "categorization" and text in call.posts.values())
    question = read_question(call.body)
    key = next(key for key, post in question.posts.items() if post == text)
    return Verdict(**good_answers(question)[key])


async def test_healthy_posts_are_right_poisoned_ones_are_set_aside_and_few_calls_are_wasted(
    database: Database, server: ModelServer
) -> None:
    bad = POISON.keys()
    await open_desk(database, make_posts(POSTS), make_spec(max_posts_per_digest=200))
    model = OpenAIModel(api_key="k", base_url=server.base_url, model="test-model", timeout_s=HANG_S)
    tools = make_tools(database, providers=(make_provider(model),), now=utc_now)
    started = await start_run(tools, Order("city", period="2026-11-01..2026-11-04"))
    await do_all_work_side_by_side(tools, started.run.id)
    await model.close()

    async with database.read() as session:
        reasons = await run_posts.set_aside_reasons(session, started.run.id)
        (progress,) = await of_runs(session, [await runs.get(session, started.run.id)])
        verdicts = {one.post_id: one.verdict for one in await run_posts.summarized(session, started.run.id)}
        texts = {post_id: post.text for post_id, post in (await posts.by_ids(session, [*reasons, *verdicts])).items()}
    assert progress.run.state is RunState.DONE
    assert sum(progress.posts.values()) == POSTS
    spared = bad - {number_of(texts[post_id]) for post_id in reasons}
    assert {number: POISON[number] for number in spared} == {}
    assert len(reasons) == len(bad)
    assert all(reasons.values())
    assert len(verdicts) == 200
    for post_id, verdict in verdicts.items():
        assert verdict == expected_verdict(server, texts[post_id])

    # A batch that is put off, since others just made it look like an outage, is asked again once or twice.
    sorting = [call for call in server.calls if call.kind == "categorization"]
    for batch, calls in batches_of(sorting).items():
        assert calls - 1 <= 9 * len(batch & bad), (sorted(batch), calls)
    assert len(sorting) - POSTS // BATCH <= 7 * len(bad), "with the questions whether the server works at all"
    assert max(len(batch) for batch in batches_of(sorting)) == BATCH
