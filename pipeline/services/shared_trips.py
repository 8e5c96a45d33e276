"""Trips to the database that batches of one run share, where several want the same at the same moment.

A busy process does most of its work for batches that come to the same point one after the other. Loading or saving ten
of them together asks the database about as much as one of them does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.ports import Brief
from pipeline.services.jobs import Batch, Job
from pipeline.services.packing import known_of_providers
from pipeline.stages.prompt_room import Room
from pipeline.toolbox import Toolbox
from storage import model_answers, model_calls, public_bots, run_posts, runs, work
from storage.database import AWAY
from storage.records import ModelCall, Post, Work

T = TypeVar("T")


async def load(tools: Toolbox, claimed: Work, job: Job[T]) -> Batch[T]:
    """What is to be known before a model is asked."""
    key = ("load", claimed.run_id, job.kind)
    load_all = partial(_load_all, tools, claimed.run_id, job)
    return await tools.coalescer.ask(key, claimed.post_ids, load_all, fail_together=AWAY)


@dataclass(frozen=True)
class Done(Generic[T]):
    """A batch with a good answer to every post, the answers worth keeping by their keys, and what was asked for it,
    which is taken out of `calls` once it is saved."""

    claimed: Work
    good: Mapping[int, T]
    kept: Mapping[str, Mapping[str, Any]]
    calls: list[ModelCall]


async def save(tools: Toolbox, job: Job[T], done: Done[T]) -> bool:
    """Whether with it all work of its kind that the run had is done.

    Raises:
        LostClaim: the work is no longer ours; nothing of it is saved.
    """
    key = ("save", done.claimed.run_id, job.kind)
    return await tools.coalescer.ask(key, done, partial(_save_all, tools, job), fail_together=AWAY)


async def _load_all(tools: Toolbox, run_id: int, job: Job[T], batches: Sequence[tuple[int, ...]]) -> Sequence[Batch[T]]:
    ids = [post_id for batch in batches for post_id in batch]
    async with tools.database.read(is_quick=True) as session:
        wishes, asks_anew = await public_bots.wishes_of_run(session, run_id)
        posts = await run_posts.waiting(session, run_id, job.waiting, ids)
        brief = job.brief(wishes)
        known = {} if asks_anew else await _known(session, tools, job, brief, posts)
        of_providers = await known_of_providers(session, tools)
    room = Room.of(brief, of_providers.most_prompt_tokens)
    return [
        Batch(brief, _those(posts, batch), _those(known, batch), room, of_providers.blocked_models) for batch in batches
    ]


async def _known(
    session: AsyncSession, tools: Toolbox, job: Job[T], brief: Brief, posts: Mapping[int, Post]
) -> Mapping[int, T]:
    keys = {post_id: job.key(tools.model, brief, post) for post_id, post in posts.items()}
    kept = await model_answers.find(session, keys.values())
    known: dict[int, T] = {}
    for post_id, key in keys.items():
        with contextlib.suppress(TypeError):  # kept by a version whose items had other fields
            if key in kept:
                known[post_id] = job.item(**kept[key])
    return known


async def _save_all(tools: Toolbox, job: Job[T], all_done: Sequence[Done[T]]) -> Sequence[bool]:
    run_id, now = all_done[0].claimed.run_id, tools.now()
    async with tools.database.write(is_quick=True) as session:
        await runs.touch(session, run_id)  # and so locked
        await work.finish_all(session, [done.claimed for done in all_done])
        await job.save(session, run_id, _together([done.good for done in all_done]))
        await model_answers.keep(session, _together([done.kept for done in all_done]), now)
        await model_calls.add(session, run_id, {done.claimed.id: done.calls for done in all_done}, now)
        is_any_open = await work.is_any_open(session, run_id, job.kind)
    for done in all_done:
        done.calls.clear()
    return [False] * (len(all_done) - 1) + [not is_any_open]


K = TypeVar("K")
V = TypeVar("V")


def _those(found: Mapping[K, V], keys: Sequence[K]) -> Mapping[K, V]:
    return {key: found[key] for key in keys if key in found}


def _together(parts: Sequence[Mapping[K, V]]) -> Mapping[K, V]:
    return {key: value for part in parts for key, value in part.items()}
