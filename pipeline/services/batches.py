"""What categorizing and summarizing have in common: claim a batch, ask the model, save what is good, split the rest."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.errors import ForPeople, Retryable
from pipeline.ports import Answer, Brief, PostText
from pipeline.services.advancing import advance, fail_run, ring_or_leave_it
from pipeline.services.asking import Asked, ask
from pipeline.services.claiming import holding
from pipeline.stages.backoff import LONGEST_PUT_OFF_S, MAX_RETRIES, put_off_s
from pipeline.stages.splitting import NextSteps, after_answer
from pipeline.toolbox import Toolbox
from storage import posts, public_bots, run_posts, runs, work
from storage.records import Failure, ModelCall, Post, PostStatus, PublicBot, Work, WorkKind

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checked(Generic[T]):
    """A model's answer by post id, after our own checks: good items, missing or malformed ones, doubtful ones."""

    good: Mapping[int, T] = field(default_factory=dict)
    problems: Mapping[int, str] = field(default_factory=dict)
    doubtful: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job(Generic[T]):
    """A kind of model work. `check(answer, posts by key, is_last_try)` judges the items, `save` stores good ones."""

    kind: WorkKind
    waiting: PostStatus
    brief: Callable[[PublicBot], Brief]
    call: Callable[[Brief, Sequence[PostText]], Awaitable[Answer[T]]]
    check: Callable[[Answer[T], Mapping[str, Post], bool], Checked[T]]
    save: Callable[[AsyncSession, int, Mapping[int, T]], Awaitable[None]]


async def process(tools: Toolbox, work_id: int, job: Job[T]) -> None:
    """Do a batch, if it is still to be done. What cannot be saved any more is dropped; what it has cost is not."""
    async with holding(tools, work_id) as claimed:
        if claimed is None:
            return
        calls: list[ModelCall] = []
        try:
            await _work_on(tools, claimed, job, calls)
        except ForPeople as error:
            await _fail(tools, claimed, Failure(error.message_id, error.params))
        finally:
            await asyncio.shield(_save_calls_alone(tools, claimed, calls))
    await advance(tools, claimed.run_id)


async def _work_on(tools: Toolbox, claimed: Work, job: Job[T], calls: list[ModelCall]) -> None:
    async with tools.database.read() as session:
        run = await runs.get(session, claimed.run_id)
        bot = await public_bots.by_id(session, run.public_bot_id)
        assert bot is not None
        waiting = await run_posts.having(session, run.id, job.waiting, claimed.post_ids)
        texts = await posts.by_ids(session, [one for one in claimed.post_ids if one in waiting])
    batch = {f"p{number}": texts[one] for number, one in enumerate([i for i in claimed.post_ids if i in texts], 1)}
    brief = job.brief(bot)
    shown = [_post_text(key, post) for key, post in batch.items()]
    asked = await ask(tools, claimed, lambda: job.call(brief, shown), calls)
    if asked.later is not None:
        await _put_off(tools, claimed, asked.later, calls)
        return
    checked = _check(asked, batch, job, is_last_try=len(batch) == 1 and claimed.failures > 0)
    steps = after_answer([post.id for post in batch.values()], checked.problems, checked.doubtful, claimed.failures)
    await _save(tools, claimed, job, checked, steps, calls)


def _check(asked: Asked[T], batch: Mapping[str, Post], job: Job[T], is_last_try: bool) -> Checked[T]:
    if asked.answer is None:
        return Checked(problems={post.id: asked.refusal or "no answer" for post in batch.values()})
    return job.check(asked.answer, batch, is_last_try)


async def _save(
    tools: Toolbox, claimed: Work, job: Job[T], checked: Checked[T], steps: NextSteps, calls: list[ModelCall]
) -> None:
    now = tools.now()
    run_id = claimed.run_id
    async with tools.database.write() as session:
        await runs.lock(session, run_id)
        if steps.again:
            reason = next(iter({**checked.problems, **checked.doubtful}.values()))
            await work.put_off(session, claimed, now, reason=reason, failures=1)
        else:
            await work.finish(session, claimed)
        await job.save(session, run_id, checked.good)
        await run_posts.set_aside(session, run_id, steps.set_aside or {})
        await work.add(session, run_id, job.kind, steps.smaller, now)
        await work.add(session, run_id, job.kind, [(one,) for one in steps.alone], now, failures=1)
        await runs.add_calls(session, run_id, claimed.id, calls, now)
        await runs.touch(session, run_id)
        rings = list(await work.to_ring(session, run_id, now))
        if claimed.crashes > 0:
            rings += await work.next_suspect(session)
    calls.clear()
    await ring_or_leave_it(tools, rings)


async def _put_off(tools: Toolbox, claimed: Work, later: Retryable, calls: list[ModelCall]) -> None:
    """The model's side is at fault: the work waits, and after too many times or for too long a wait the run ends."""
    now = tools.now()
    wait_s = max(put_off_s(claimed.retries, random.random()), later.after_s or 0)  # noqa: S311 - only jitter
    if claimed.retries + 1 >= MAX_RETRIES or wait_s > LONGEST_PUT_OFF_S:
        await _fail(tools, claimed, Failure("model.unavailable", {"reason": later.reason}))
        return
    async with tools.database.write() as session:
        await runs.lock(session, claimed.run_id)
        await work.put_off(session, claimed, now + timedelta(seconds=wait_s), reason=later.reason, retries=1)
        await runs.add_calls(session, claimed.run_id, claimed.id, calls, now)
        await runs.touch(session, claimed.run_id)
    calls.clear()
    log.warning("Work %d of run %d waits %.0f s for the model: %s", claimed.id, claimed.run_id, wait_s, later.reason)


async def _fail(tools: Toolbox, claimed: Work, failure: Failure) -> None:
    """End the run, if this claim still stands: somebody else may be doing it well."""
    async with tools.database.write() as session:
        await runs.lock(session, claimed.run_id)
        await work.finish(session, claimed)
        await fail_run(session, claimed.run_id, failure, tools.now())
    log.error("Run %d ends: %s %s", claimed.run_id, failure.message_id, dict(failure.params))


async def _save_calls_alone(tools: Toolbox, claimed: Work, calls: Sequence[ModelCall]) -> None:
    """What was asked is paid for, whether its answer could be saved or not."""
    if calls:
        async with tools.database.write() as session:
            await runs.add_calls(session, claimed.run_id, claimed.id, calls, tools.now())


def _post_text(key: str, post: Post) -> PostText:
    return PostText(key=key, text=post.text, channel=post.source_title, published_at=post.published_at)
