"""What categorizing and summarizing have in common: claim a batch, ask the model, save what is good, split the rest."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.errors import ForPeople, PromptCut, Retryable
from pipeline.fault_points import reach
from pipeline.ports import Model
from pipeline.services import shared_trips
from pipeline.services.advancing import advance, fail_run, ring_or_leave_it
from pipeline.services.asking import Asked, Question, ask
from pipeline.services.claiming import holding
from pipeline.services.jobs import Batch, Checked, Job, post_text
from pipeline.services.provider_notes import note_blocked, note_cut, note_working
from pipeline.services.saving import save_patiently
from pipeline.services.shared_trips import Done
from pipeline.stages.backoff import LONGEST_PUT_OFF_S, MAX_RETRIES, PROBE_EVERY_S, put_off_s
from pipeline.stages.prompt_room import answer_tokens, fitted
from pipeline.stages.splitting import NextSteps, after_answer
from pipeline.toolbox import Provider, Toolbox
from storage import claimable, model_answers, model_calls, ringing, run_posts, runs, work
from storage.records import Failure, ModelCall, Post, Ring, Work

T = TypeVar("T")
log = logging.getLogger(__name__)


async def process(tools: Toolbox, work_id: int, job: Job[T]) -> None:
    """Do a batch, if it is still to be done. What cannot be saved any more is dropped; what it has cost is not."""
    async with holding(tools, work_id, asks_a_model=True) as claimed:
        if claimed is None:
            return
        doing = Doing(tools, claimed, job)
        try:
            await doing.run()
        finally:
            await asyncio.shield(doing.save_calls_alone())
    reach("save.after")
    if doing.was_last:
        await advance(tools, claimed.run_id)


class Doing(Generic[T]):
    """One claim of one batch. `was_last`: with it, all work of its kind that the run had is done."""

    def __init__(self, tools: Toolbox, claimed: Work, job: Job[T]) -> None:
        self._tools = tools
        self._claimed = claimed
        self._job = job
        self._calls: list[ModelCall] = []
        self.was_last = False

    async def run(self) -> None:
        batch = await shared_trips.load(self._tools, self._claimed, self._job)
        unknown = batch.unknown
        if not unknown:
            await self._save(batch, None, Checked(batch.known), NextSteps())
            return
        pieces = batch.room.pieces([(post.id, post.text) for post in unknown.values()])
        if len(pieces) > 1:
            await self._save(batch, None, Checked(batch.known), NextSteps(smaller=tuple(pieces)))
            return
        shown = [fitted(post_text(key, post), batch.room) for key, post in unknown.items()]
        tokens = batch.room.prompt_tokens(shown) + answer_tokens(self._job.kind, len(shown))
        question = Question(lambda model: self._job.call(model, batch.brief, shown), tokens, self._claimed.bot_slug)
        reach("call.before", (post.text for post in unknown.values()))
        asked = await ask(self._tools, self._claimed, question, self._calls)
        reach("reply.before_save", (post.text for post in unknown.values()))
        if asked.blocked is not None:
            await self._wait_for_people(asked.provider, asked.blocked)
        elif asked.later is not None:
            await self._put_off(asked.later, counts=asked.was_asked)
        else:
            await self._after(batch, unknown, asked)

    async def _after(self, batch: Batch[T], unknown: Mapping[str, Post], asked: Asked[T]) -> None:
        failures = self._claimed.failures
        checked = _checked(self._job, asked, unknown, is_last_try=len(unknown) == 1 and failures > 0)
        steps = after_answer([post.id for post in unknown.values()], checked.problems, checked.doubtful, failures)
        all_good = replace(checked, good={**batch.known, **checked.good})
        what = f"The model's answer to work {self._claimed.id}"
        await save_patiently(what, lambda: self._save(batch, asked, all_good, steps))

    async def _save(self, batch: Batch[T], asked: Asked[T] | None, checked: Checked[T], steps: NextSteps) -> None:
        """The usual case shares its trip; whatever else there is to be written down has one of its own."""
        kept = {} if asked is None else self._worth_keeping(batch, asked.provider.model, checked)
        is_usual = steps == NextSteps() and self._claimed.crashes == 0 and not (asked and self._teaches(batch, asked))
        if is_usual:
            done = Done(self._claimed, checked.good, kept, self._calls)
            self.was_last = await shared_trips.save(self._tools, self._job, done)
        else:
            await self._save_alone(batch, asked, checked, steps, kept)

    async def _save_alone(
        self,
        batch: Batch[T],
        asked: Asked[T] | None,
        checked: Checked[T],
        steps: NextSteps,
        kept: Mapping[str, Mapping[str, Any]],
    ) -> None:
        claimed, job = self._claimed, self._job
        now = self._tools.now()
        makes_work = bool(steps.again or steps.smaller or steps.alone)
        rings: list[Ring] = []
        async with self._tools.database.write(is_quick=True) as session:
            await runs.touch(session, claimed.run_id)  # and so locked
            if steps.again:
                reason = next(iter({**checked.problems, **checked.doubtful}.values()))
                await work.put_off(session, claimed, now, reason=reason, failures=1)
            else:
                await work.finish(session, claimed)
            await job.save(session, claimed.run_id, checked.good)
            await run_posts.set_aside(session, claimed.run_id, steps.set_aside or {})
            await work.add(session, claimed.run_id, job.kind, steps.smaller, now)
            await work.add(session, claimed.run_id, job.kind, [(one,) for one in steps.alone], now, failures=1)
            if asked is not None:
                await self._learn(session, batch, asked)
            await model_answers.keep(session, kept, now)
            await model_calls.add(session, claimed.run_id, {claimed.id: self._calls}, now)
            if makes_work:
                rings += await ringing.to_ring(session, claimed.run_id, now)
            if claimed.crashes > 0:
                rings += await ringing.next_suspect(session)
            self.was_last = not (makes_work or await work.is_any_open(session, claimed.run_id, job.kind))
        self._calls.clear()
        await ring_or_leave_it(self._tools, rings)

    @staticmethod
    def _teaches(batch: Batch[T], asked: Asked[T]) -> bool:
        """Whether the answer says something of the provider."""
        return asked.provider.model.name in batch.blocked_models or isinstance(asked.refusal, PromptCut)

    async def _learn(self, session: AsyncSession, batch: Batch[T], asked: Asked[T]) -> None:
        now = self._tools.now()
        if asked.provider.model.name in batch.blocked_models:
            await note_working(session, asked.provider, now)
        if isinstance(asked.refusal, PromptCut):
            await note_cut(session, asked.provider, asked.refusal, now)

    def _worth_keeping(self, batch: Batch[T], model: Model, checked: Checked[T]) -> Mapping[str, Mapping[str, Any]]:
        return {
            self._job.key(model, batch.brief, batch.posts[post_id]): _fields_of(item)
            for post_id, item in checked.good.items()
            if post_id not in batch.known and post_id not in checked.ours
        }

    async def _put_off(self, later: Retryable, *, counts: bool) -> None:
        """The model's side is at fault: the work waits, and after too many times, or too long a wait, the run ends."""
        claimed, now = self._claimed, self._tools.now()
        jitter = random.random()  # noqa: S311
        wait_s = max(put_off_s(claimed.retries, jitter) if counts else 1 + jitter, later.after_s or 0)
        if claimed.retries + 1 >= MAX_RETRIES or wait_s > LONGEST_PUT_OFF_S:
            await self._fail(Failure("model.unavailable", {"reason": later.reason}))
            return
        async with self._tools.database.write() as session:
            await runs.hold(session, claimed.run_id)
            due_at = now + min(timedelta(seconds=wait_s), claimable.LONGEST_REST)
            await work.put_off(session, claimed, due_at, reason=later.reason, retries=1 if counts else 0)
            await model_calls.add(session, claimed.run_id, {claimed.id: self._calls}, now)
            await runs.touch(session, claimed.run_id)
        self._calls.clear()
        log.log(
            logging.WARNING if counts else logging.DEBUG,
            "The work waits %.0f s for the model: %s", wait_s, later.reason,
        )  # fmt: skip

    async def _wait_for_people(self, provider: Provider, error: ForPeople) -> None:
        """Only a person can help: the work waits and is tried from time to time, so that it goes on by itself then."""
        claimed, now = self._claimed, self._tools.now()
        async with self._tools.database.write() as session:
            await runs.hold(session, claimed.run_id)
            due_at = now + timedelta(seconds=PROBE_EVERY_S)
            await work.put_off(session, claimed, due_at, reason=error.message_id)
            await note_blocked(session, provider, Failure(error.message_id, error.params), now)
            await model_calls.add(session, claimed.run_id, {claimed.id: self._calls}, now)
            await runs.touch(session, claimed.run_id)
        self._calls.clear()
        log.error("The model %s cannot be used: %s", provider.model.name, error)

    async def _fail(self, failure: Failure) -> None:
        """End the run, if this claim still stands: somebody else may be doing it well."""
        claimed = self._claimed
        async with self._tools.database.write() as session:
            await runs.hold(session, claimed.run_id)
            await work.finish(session, claimed)
            await fail_run(session, claimed.run_id, failure, self._tools.now())
        log.error("The run ends: %s %s", failure.message_id, dict(failure.params))

    async def save_calls_alone(self) -> None:
        """What was asked is paid for, whether its answer could be saved or not."""
        if self._calls:
            async with self._tools.database.write() as session:
                await model_calls.add(session, self._claimed.run_id, {self._claimed.id: self._calls}, self._tools.now())


def _checked(job: Job[T], asked: Asked[T], batch: Mapping[str, Post], *, is_last_try: bool) -> Checked[T]:
    if asked.answer is None:
        assert asked.refusal is not None
        return Checked(problems={post.id: asked.refusal.reason for post in batch.values()})
    return job.check(asked.answer, batch, is_last_try)


def _fields_of(item: object) -> Mapping[str, Any]:
    """As `asdict`, which copies each of them."""
    return {one.name: getattr(item, one.name) for one in fields(item)}  # type: ignore[arg-type]
