"""Asking a model, again and again where that can help, and never for a run that does not go on."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipeline.errors import BatchRefused, Retryable
from pipeline.ports import Answer, Usage
from pipeline.stages.backoff import CALLS_AT_ONCE, LONGEST_WAIT_IN_PLACE_S, wait_in_place_s
from pipeline.toolbox import Toolbox
from storage import work
from storage.records import ModelCall, Work
from storage.work import LostClaim

T = TypeVar("T")


@dataclass(frozen=True)
class Asked(Generic[T]):
    """What came of asking: an answer, or a refusal of the batch as a whole, or the reason to try again later."""

    answer: Answer[T] | None = None
    refusal: str | None = None
    later: Retryable | None = None


async def ask(
    tools: Toolbox, claimed: Work, call: Callable[[], Awaitable[Answer[T]]], calls: list[ModelCall]
) -> Asked[T]:
    """Make a model call, and repeat it a few times while the model's side is at fault. Every call is added to `calls`.

    Raises:
        LostClaim: the run was cancelled or the lease was lost; no call was made since.
        ForPeople: nothing will work until somebody acts.
    """
    for attempt in range(CALLS_AT_ONCE):
        await _make_sure_it_is_ours(tools, claimed)
        started = time.monotonic()
        try:
            answer = await call()
        except BatchRefused as error:
            calls.append(_record(tools, error.reason, error.usage, started))
            return Asked(refusal=error.reason)
        except Retryable as error:
            calls.append(_record(tools, error.reason, error.usage, started))
            wait_s = max(wait_in_place_s(attempt, random.random()), error.after_s or 0)  # noqa: S311 - only jitter
            if attempt + 1 == CALLS_AT_ONCE or wait_s > LONGEST_WAIT_IN_PLACE_S:
                return Asked(later=error)
            await asyncio.sleep(wait_s)
        else:
            calls.append(_record(tools, "ok", answer.usage, started))
            return Asked(answer=answer)
    raise AssertionError("the last attempt returns")


async def _make_sure_it_is_ours(tools: Toolbox, claimed: Work) -> None:
    async with tools.database.read() as session:
        if not await work.still_mine(session, claimed):
            raise LostClaim(f"work {claimed.id}, claim {claimed.fence}")


def _record(tools: Toolbox, outcome: str, usage: Usage | None, started: float) -> ModelCall:
    usage = usage or Usage()
    llm = tools.settings.llm
    cost = usage.input_tokens * llm.input_price_per_million + usage.output_tokens * llm.output_price_per_million
    return ModelCall(
        model=tools.model.name,
        outcome=outcome[:200],
        input_tokens=usage.input_tokens,
        cached_tokens=usage.cached_tokens,
        output_tokens=usage.output_tokens,
        cost=cost / 1_000_000,
        duration_ms=round((time.monotonic() - started) * 1000),
    )
