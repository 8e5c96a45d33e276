"""`test_ai_service`: one small question to the model, asked for by an operator and put by a worker.

Whoever asks always gets an answer: what is lost on the way ends by a deadline, and says where it was lost.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import BrokerUnavailable, ForPeople
from pipeline.meter import TaskOutcome
from pipeline.ports import Answer, Model
from pipeline.queues import SELF_TEST, SELF_TEST_QUEUE
from pipeline.services.asking import Asked, Book, Visit
from pipeline.services.overview import served_queues
from pipeline.stages.prompting import categorization_prompt
from pipeline.stages.sample import SAMPLE_BRIEF, SAMPLE_POST
from pipeline.toolbox import Provider, Toolbox
from storage import self_tests
from storage.records import Failure, ModelCall, SelfTest, Verdict

log = logging.getLogger(__name__)

CALL_S = 30.0  # what the provider is given, the wait at its gate included
TO_BE_BEGUN_S = 60.0
TO_BE_ENDED_S = CALL_S + 15.0
OPEN = timedelta(seconds=TO_BE_BEGUN_S + TO_BE_ENDED_S)
LOOK_EVERY_S = 0.3
RING_AGAIN_AFTER_S = 5.0
ANSWER_TOKENS = 60
FOR_NO_BOT = "self-test"


async def ask_for_self_test(tools: Toolbox) -> SelfTest:
    """Ask a worker to try the model. Who asks while another waits waits for the same."""
    now = tools.now()
    async with tools.database.write() as session:
        asked, is_new = await self_tests.ask(session, now, now - OPEN)
    if not is_new or tools.settings.engine.mode == "local":
        return asked
    failure = await _ring(tools, asked.id)
    if failure is not None:
        await _finish(tools, asked.id, failure)
    return asked


async def do_self_test(tools: Toolbox, self_test_id: int, worker: str) -> None:
    """Try the model, if nobody else does; `worker` is told to whoever asked."""
    now = tools.now()
    async with tools.database.write() as session:
        if not await self_tests.begin(session, self_test_id, worker, now, now - OPEN):
            return
    provider, started = tools.providers[0], time.monotonic()
    try:
        async with asyncio.timeout(CALL_S):
            failure = await _try(tools, provider)
    except TimeoutError:
        failure = Failure("selftest.slow", {"model": provider.model.name, "seconds": round(CALL_S)})
    except BrokerUnavailable:
        failure = Failure("selftest.no_broker", {})
    except asyncio.CancelledError:
        await _finish(tools, self_test_id, Failure("selftest.worker_lost", {"worker": worker}))
        raise
    seconds = time.monotonic() - started
    await _finish(tools, self_test_id, failure, provider.model.name, round(seconds * 1000))
    tools.meter.task_ended(SELF_TEST, TaskOutcome.DONE, seconds)


async def await_self_test(tools: Toolbox, self_test_id: int) -> SelfTest:
    """The self-test when it has ended, which it does.

    Raises:
        ForPeople: the database cannot be read.
    """
    began, rang = time.monotonic(), time.monotonic()
    while time.monotonic() - began < OPEN.total_seconds() + LOOK_EVERY_S:
        try:
            found = await _look(tools, self_test_id)
            if found.finished_at is not None:
                return found
            if found.started_at is None and time.monotonic() - rang > RING_AGAIN_AFTER_S:
                rang = time.monotonic()
                await _ring_again(tools, self_test_id)
        except SQLAlchemyError:
            log.info("The database does not answer; the self-test is looked for again.")
        await asyncio.sleep(LOOK_EVERY_S)
    raise ForPeople("error.database_away")


async def _look(tools: Toolbox, self_test_id: int) -> SelfTest:
    """The self-test as it is; one whose time is over has ended now."""
    async with tools.database.read() as session:
        found = await self_tests.find(session, self_test_id)
    assert found is not None
    now = tools.now()
    if found.finished_at is not None:
        return found
    if found.started_at is None and now - found.asked_at > timedelta(seconds=TO_BE_BEGUN_S):
        await _finish(tools, found.id, await _why_not_begun(tools))
    elif found.started_at is not None and now - found.started_at > timedelta(seconds=TO_BE_ENDED_S):
        await _finish(tools, found.id, Failure("selftest.worker_lost", {"worker": found.worker or ""}))
    else:
        return found
    async with tools.database.read() as session:
        return await self_tests.find(session, self_test_id) or found


async def _why_not_begun(tools: Toolbox) -> Failure:
    try:
        waiting = (await tools.doorbell.depths()).get(SELF_TEST_QUEUE, 0)
    except BrokerUnavailable:
        return Failure("selftest.no_broker", {})
    if SELF_TEST_QUEUE not in await served_queues(tools):
        return Failure("selftest.no_worker", {})
    return Failure("selftest.not_begun", {"seconds": round(TO_BE_BEGUN_S), "waiting": waiting})


async def _ring(tools: Toolbox, self_test_id: int) -> Failure | None:
    """Ring for a worker; why none can hear it."""
    try:
        await tools.doorbell.ring_self_test(self_test_id)
    except BrokerUnavailable:
        return Failure("selftest.no_broker", {})
    return None if SELF_TEST_QUEUE in await served_queues(tools) else Failure("selftest.no_worker", {})


async def _ring_again(tools: Toolbox, self_test_id: int) -> None:
    """The message may be lost: as long as others wait before it, it may not."""
    if tools.settings.engine.mode == "local":
        return
    try:
        if (await tools.doorbell.depths()).get(SELF_TEST_QUEUE, 0) == 0:
            await tools.doorbell.ring_self_test(self_test_id)
    except BrokerUnavailable:
        return


async def _try(tools: Toolbox, provider: Provider) -> Failure | None:
    """One question, within the provider's limits; why it was not answered."""
    ticket, calls = secrets.token_hex(8), list[ModelCall]()
    tokens = categorization_prompt(SAMPLE_BRIEF, [SAMPLE_POST]).tokens + ANSWER_TOKENS
    while (admission := await provider.gate.enter(ticket, tokens)).wait_s > 0:
        if admission.is_outage:
            return Failure("selftest.outage", {"model": provider.model.name})
        await asyncio.sleep(admission.wait_s)
    visit = Visit(provider, ticket, Book(tools.meter, FOR_NO_BOT, calls))
    try:
        asked = await visit.ask(_question)
    finally:
        await asyncio.shield(visit.leave())
    log.info("The self-test took %s.", "; ".join(f"{call.input_tokens}+{call.output_tokens} tokens" for call in calls))
    return _verdict(asked)


async def _question(model: Model) -> Answer[Verdict]:
    return await model.categorize(SAMPLE_BRIEF, [SAMPLE_POST])


def _verdict(asked: Asked[Verdict]) -> Failure | None:
    model = asked.provider.model.name
    if asked.blocked is not None:
        return Failure(asked.blocked.message_id, asked.blocked.params)
    if asked.later is not None:
        return Failure("selftest.failed", {"model": model, "reason": asked.later.reason})
    if asked.refusal is not None:
        return Failure("selftest.refused", {"model": model, "reason": asked.refusal.reason})
    assert asked.answer is not None
    if SAMPLE_POST.key not in asked.answer.items:
        reason = asked.answer.problems.get(SAMPLE_POST.key, "the answer is missing")
        return Failure("selftest.refused", {"model": model, "reason": reason})
    return None


async def _finish(
    tools: Toolbox, self_test_id: int, failure: Failure | None, model: str | None = None, took_ms: int | None = None
) -> None:
    async with tools.database.write() as session:
        await self_tests.finish(session, self_test_id, tools.now(), failure, model=model, duration_ms=took_ms)
