"""Asking a model about the same posts in batches of several sizes, within the limits that workers keep, too."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pipeline.meter import Limited
from pipeline.ports import Answer, Model, PostText
from pipeline.services.asking import PROBE_TOKENS, Asked, Book, Visit
from pipeline.services.tuning import Pass, Plan
from pipeline.stages.prompt_room import answer_tokens
from pipeline.stages.tuning import ONE_BY_ONE, Effort, Trial
from pipeline.toolbox import Toolbox
from storage.records import ModelCall, Verdict, WorkKind

T = TypeVar("T")

TRIES = 4  # of a call that fails; if the provider works otherwise, its posts count as missing then
WAITS = 20  # a server that sends us away more often than that is not to be measured
LONGEST_PAUSE_S = 300.0
PATIENCE_S = 90.0  # in an outage
FIRST_PATIENCE_S = 15.0  # where there was no answer at all yet

Tell = Callable[[Pass, int], None]  # so many posts of a pass are done


class Halted(Exception):
    """The model cannot be measured now; the message says why."""


@dataclass
class Trying:
    """The passes of a plan, one after another. What was answered and spent so far is there at any moment, also after
    all of it was stopped. `broken_off` are calls that had no answer by then: they may be billed, too."""

    tools: Toolbox
    plan: Plan
    tell: Tell = lambda one, done: None
    trials: list[Trial] = field(default_factory=list)
    calls: list[ModelCall] = field(default_factory=list)
    alone: dict[int, Verdict] = field(default_factory=dict)
    broken_off: int = 0
    has_worked: bool = False

    @property
    def spent(self) -> Effort:
        return Effort.of(self.calls)

    @property
    def cost(self) -> float:
        return sum(call.cost for call in self.calls)

    async def run(self) -> None:
        """Ask all there is to ask.

        Raises:
            Halted: the provider is out of order, or wants nobody to ask for long.
            ForPeople: nothing will work until somebody acts.
        """
        for one in self.plan.passes:
            self.trials.append(await _OnePass(self, one).run())


class _OnePass:
    """One pass, so many calls at the same time as the provider's settings say."""

    def __init__(self, trying: Trying, one: Pass) -> None:
        self._trying = trying
        self._pass = one
        self._places = asyncio.Semaphore(trying.plan.provider.settings.max_concurrency)
        self._book = Book(trying.tools.meter, trying.plan.bot.slug, trying.calls)
        self._verdicts: dict[int, Verdict] = {}
        self._problems: dict[int, str] = {}
        self._worked_at = time.monotonic()
        self._fault = "it is out of order"
        self._is_over = False

    async def run(self) -> Trial:
        calls_before, started = len(self._trying.calls), time.monotonic()
        try:
            async with asyncio.TaskGroup() as group:
                for batch in self._pass.batches:
                    group.create_task(self._one_of_many(batch))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        seconds = time.monotonic() - started
        calls = self._trying.calls[calls_before:]
        spent = Effort.of(calls)
        return Trial(
            size=self._pass.size,
            largest=self._pass.largest,
            verdicts=self._verdicts,
            problems=self._problems,
            calls=spent.calls,
            seconds=seconds,
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            cost=sum(call.cost for call in calls),
        )

    async def _one_of_many(self, batch: Sequence[int]) -> None:
        async with self._places:
            if self._is_over:
                return
            shown = self._trying.plan.shown(batch)
            try:
                asked = await self._ask(list(shown.values()))
            except BaseException:
                self._is_over = True  # known at once, before the others are cancelled
                raise
        answer: Answer[Verdict] = asked.answer or Answer({})
        fault = asked.refusal or asked.later
        for post_id, post in shown.items():
            if post.key in answer.items:
                self._verdicts[post_id] = answer.items[post.key]
            else:
                reason = fault.reason if fault is not None else "missing in the answer"
                self._problems[post_id] = answer.problems.get(post.key, reason)
        if self._pass.size == ONE_BY_ONE:
            self._trying.alone.update({one: self._verdicts[one] for one in batch if one in self._verdicts})
        self._trying.tell(self._pass, len(self._verdicts) + len(self._problems))

    async def _ask(self, shown: Sequence[PostText]) -> Asked[Verdict]:
        """Ask until there is an answer or a refusal, or until it has failed again and again at a provider that works:
        then the batch is to blame. It is not split: how it does as a whole is what is to be found out."""
        plan, failures, waits = self._trying.plan, 0, 0
        tokens = plan.room.prompt_tokens(shown) + answer_tokens(WorkKind.CATEGORIZE, len(shown))
        while True:
            asked = await self._visit(lambda model: model.categorize(plan.brief, shown), tokens)
            if asked.blocked is not None:
                raise asked.blocked
            if asked.later is None:
                self._worked_at, self._trying.has_worked = time.monotonic(), True
                return asked
            self._fault = asked.later.reason
            if asked.later.after_s is not None:
                waits += 1
            else:
                failures += 1
            if waits == WAITS:
                raise Halted(f"its server sends every call away ({self._fault})")
            if failures == TRIES:
                if await self._works():
                    return asked
                failures = 0

    async def _works(self) -> bool:
        """Whether the provider answers the easiest question there is."""
        asked = await self._visit(_probe, PROBE_TOKENS)
        return asked.answer is not None or asked.refusal is not None

    async def _visit(self, question: Callable[[Model], Awaitable[Answer[T]]], tokens: int) -> Asked[T]:
        ticket = secrets.token_hex(8)
        await self._come_in(ticket, tokens)
        visit = Visit(self._trying.plan.provider, ticket, self._book)
        try:
            return await visit.ask(question)
        except asyncio.CancelledError:
            self._trying.broken_off += 1
            raise
        finally:
            await asyncio.shield(visit.leave())

    def _has_waited_long(self) -> bool:
        patience_s = PATIENCE_S if self._trying.has_worked else FIRST_PATIENCE_S
        return time.monotonic() - self._worked_at > patience_s

    async def _come_in(self, ticket: str, tokens: int) -> None:
        """Wait for a place at the gate, which all workers share, one of this process at a time."""
        provider, came_at = self._trying.plan.provider, time.monotonic()
        async with provider.turn:
            while (admission := await provider.gate.enter(ticket, tokens)).wait_s > 0:
                if admission.is_outage and self._has_waited_long():
                    raise Halted(f"it fails again and again ({self._fault})")
                if admission.wait_s > LONGEST_PAUSE_S:
                    raise Halted(f"it wants nobody to ask for {admission.wait_s:.0f} s")
                await asyncio.sleep(admission.wait_s)
        self._trying.tools.meter.waited(Limited.MODEL, time.monotonic() - came_at)


async def _probe(model: Model) -> Answer[None]:
    return Answer({}, usage=await model.probe())
