"""Asking a model once: within its limits, never for a run that does not go on, and finding out who is to blame."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipeline.errors import BatchRefused, BrokerUnavailable, ForPeople, Retryable
from pipeline.meter import CallOutcome, Limited, Meter
from pipeline.ports import Admission, Answer, CallResult, Model, Usage
from pipeline.stages.backoff import LONGEST_WAIT_IN_PLACE_S, PROBE_EVERY_S
from pipeline.toolbox import Provider, Toolbox
from storage import work
from storage.records import ModelCall, Work
from storage.work import LostClaim

T = TypeVar("T")

TURN_S = 2.0  # when work is due again that never came to the gate
PROBE_TOKENS = 50
FAILURES_IN_DOUBT = 2
SAYS_OF_PROVIDER = {
    CallOutcome.OK: CallResult.WORKED,
    CallOutcome.REFUSED: CallResult.WORKED,
    CallOutcome.FAILED: CallResult.FAILED,
    CallOutcome.TOLD_TO_WAIT: CallResult.SAYS_NOTHING,
    CallOutcome.BLOCKED: CallResult.BLOCKED,
}


@dataclass(frozen=True)
class Question(Generic[T]):
    """One call of a model, about how many tokens it is, answer included, and the slug of the public bot it is for."""

    call: Callable[[Model], Awaitable[Answer[T]]]
    tokens: int
    public_bot: str


@dataclass(frozen=True)
class Asked(Generic[T]):
    """What came of asking; exactly one of the last four is there.

    `refusal`: the batch is to blame, smaller ones may be answered. `later`: the provider is, and `was_asked` says
    whether it was asked at all. `blocked`: nothing will work until somebody acts.
    """

    provider: Provider
    answer: Answer[T] | None = None
    refusal: BatchRefused | None = None
    later: Retryable | None = None
    blocked: ForPeople | None = None
    was_asked: bool = True


async def ask(tools: Toolbox, claimed: Work, question: Question[T], calls: list[ModelCall]) -> Asked[T]:
    """Make one model call, of the first provider that has a place for it. The call is added to `calls`.

    Raises:
        LostClaim: the run was cancelled or the lease was lost; no call was made since.
    """
    ticket, came_at = secrets.token_hex(8), time.monotonic()
    provider, admission = await _find_place(tools.providers, ticket, question.tokens)
    tools.meter.waited(Limited.MODEL, time.monotonic() - came_at)
    if admission.wait_s > 0:
        reason = "the model is out of order" if admission.is_outage else "the model's limits"
        return Asked(provider, later=Retryable(reason, admission.wait_s), was_asked=False)
    book = Book(tools.meter, question.public_bot, calls)
    visit = Visit(provider, ticket, book)
    try:
        await _make_sure_it_is_ours(tools, claimed)
        asked = await visit.ask(question.call)
    finally:
        failures = await asyncio.shield(visit.leave())
    if asked.later is None or asked.later.after_s is not None:
        return asked
    return await _find_who_is_to_blame(asked, failures, book)


async def _find_who_is_to_blame(asked: Asked[T], failures: int, book: Book) -> Asked[T]:
    """A provider that fails once in a while has not liked the batch; one that fails again and again is asked something
    easy, to find out."""
    assert asked.later is not None
    if failures < FAILURES_IN_DOUBT or await _works(asked.provider, book):
        return Asked(asked.provider, refusal=BatchRefused(asked.later.reason, asked.later.usage))
    return asked


@dataclass(frozen=True)
class Book:
    """Where calls for a public bot are written down, to be stored with its run, and counted."""

    meter: Meter
    public_bot: str
    calls: list[ModelCall]

    def write_down(self, call: ModelCall, outcome: CallOutcome) -> None:
        self.calls.append(call)
        self.meter.model_called(self.public_bot, call, outcome)


class Visit:
    """A place at a provider's gate, taken: one call is made, and the place is given back with what the call says."""

    def __init__(self, provider: Provider, ticket: str, book: Book) -> None:
        self._provider = provider
        self._ticket = ticket
        self._book = book
        self._result = CallResult.SAYS_NOTHING
        self._tokens: int | None = 0
        self._pause_s = 0.0

    async def ask(self, call: Callable[[Model], Awaitable[Answer[T]]]) -> Asked[T]:
        provider, started, self._tokens = self._provider, time.monotonic(), None
        try:
            answer = await call(provider.model)
        except BatchRefused as refusal:
            self._write_down(refusal.reason, refusal.usage, started, CallOutcome.REFUSED)
            return Asked(provider, refusal=refusal)
        except Retryable as error:
            is_told_to_wait = error.after_s is not None
            outcome = CallOutcome.TOLD_TO_WAIT if is_told_to_wait else CallOutcome.FAILED
            self._write_down(error.reason, error.usage, started, outcome)
            self._pause_s = error.after_s or 0.0
            return Asked(provider, later=error)
        except ForPeople as error:
            self._write_down(error.message_id, None, started, CallOutcome.BLOCKED)
            self._pause_s = PROBE_EVERY_S
            return Asked(provider, blocked=error)
        self._write_down("ok", answer.usage, started, CallOutcome.OK)
        return Asked(provider, answer=answer)

    async def leave(self) -> int:
        """Give the place back; the number of failures in a row since."""
        try:
            return await self._provider.gate.leave(self._ticket, self._result, self._tokens, self._pause_s)
        except BrokerUnavailable:
            return 0

    def _write_down(self, words: str, usage: Usage | None, started: float, outcome: CallOutcome) -> None:
        self._result = SAYS_OF_PROVIDER[outcome]
        self._tokens = usage.input_tokens + usage.output_tokens if usage is not None else None
        self._book.write_down(_record(self._provider, words, usage, started), outcome)


async def _works(provider: Provider, book: Book) -> bool:
    """Whether the provider answers the easiest question there is."""
    ticket = secrets.token_hex(8)
    admission = await _enter(provider, ticket, PROBE_TOKENS)
    if admission.wait_s > 0:
        return False
    visit = Visit(provider, ticket, book)
    try:
        asked = await visit.ask(_probe)
        return asked.answer is not None or asked.refusal is not None
    finally:
        await asyncio.shield(visit.leave())


async def _probe(model: Model) -> Answer[None]:
    return Answer({}, usage=await model.probe())


async def _find_place(providers: tuple[Provider, ...], ticket: str, tokens: int) -> tuple[Provider, Admission]:
    """A place, or how long there will be none. The fallback is asked where the first has an outage or a long pause."""
    first, refused = providers[0], Admission()
    for number, provider in enumerate(providers):
        has_another = number + 1 < len(providers)
        admission = await _wait_at(provider, ticket, tokens, goes_elsewhere=has_another)
        if admission.wait_s == 0:
            return provider, admission
        if number == 0 or admission.wait_s < refused.wait_s:
            refused = admission
        if not (admission.is_outage or admission.wait_s > LONGEST_WAIT_IN_PLACE_S):
            break
    return first, refused


async def _wait_at(provider: Provider, ticket: str, tokens: int, *, goes_elsewhere: bool) -> Admission:
    """Wait at the gate for some seconds at most, one of this process at a time, the others in line behind it."""
    ends_at = time.monotonic() + LONGEST_WAIT_IN_PLACE_S
    try:
        await asyncio.wait_for(provider.turn.acquire(), LONGEST_WAIT_IN_PLACE_S)
    except TimeoutError:
        return Admission(TURN_S)
    try:
        while True:
            admission = await _enter(provider, ticket, tokens)
            left_s = ends_at - time.monotonic()
            if admission.wait_s == 0 or admission.wait_s > left_s or (admission.is_outage and goes_elsewhere):
                return admission
            await asyncio.sleep(admission.wait_s)
    finally:
        provider.turn.release()


async def _enter(provider: Provider, ticket: str, tokens: int) -> Admission:
    try:
        return await provider.gate.enter(ticket, tokens)
    except BrokerUnavailable:
        return Admission(TURN_S)


async def _make_sure_it_is_ours(tools: Toolbox, claimed: Work) -> None:
    """Of a claim that was made just now that is known."""
    if work.is_fresh(claimed, tools.now()):
        return
    async with tools.database.read(is_quick=True) as session:
        if not await work.still_mine(session, claimed):
            raise LostClaim(f"work {claimed.id}, claim {claimed.fence}")


def _record(provider: Provider, outcome: str, usage: Usage | None, started: float) -> ModelCall:
    usage = usage or Usage()
    return ModelCall(
        model=provider.model.name,
        is_fallback=provider.is_fallback,
        outcome=outcome[:200],
        input_tokens=usage.input_tokens,
        cached_tokens=usage.cached_tokens,
        output_tokens=usage.output_tokens,
        cost=_cost(provider, usage),
        duration_ms=round((time.monotonic() - started) * 1000),
    )


def _cost(provider: Provider, usage: Usage) -> float:
    prices = provider.settings
    cached_price = prices.cached_input_price_per_million
    if cached_price is None:
        cached_price = prices.input_price_per_million
    fresh = max(usage.input_tokens - usage.cached_tokens, 0)
    cost = (
        fresh * prices.input_price_per_million
        + usage.cached_tokens * cached_price
        + usage.output_tokens * prices.output_price_per_million
    )
    return cost / 1_000_000
