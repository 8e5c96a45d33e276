"""The posts of a run: where each has got to and what the model said of it. Every post of a run has a row here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import PostRow, RunPostRow, SourceRow
from storage.models.base import table_of
from storage.posts import as_post
from storage.records import Judged, Post, PostStatus, Summary, Verdict

_RUN_POST, _POST, _SOURCE = table_of(RunPostRow), table_of(PostRow), table_of(SourceRow)
_UPDATE = update(_RUN_POST).where(
    _RUN_POST.c.run_id == bindparam("of_run"), _RUN_POST.c.post_id == bindparam("of_post")
)
_WAITING = (
    select(*_POST.c, _SOURCE.c.title)
    .join(_RUN_POST, _RUN_POST.c.post_id == _POST.c.id)
    .join(_SOURCE, _SOURCE.c.id == _POST.c.source_id)
    .where(
        _RUN_POST.c.run_id == bindparam("run"),
        _RUN_POST.c.status == bindparam("status"),
        _RUN_POST.c.post_id.in_(bindparam("ids", expanding=True)),
    )
)


@dataclass(frozen=True, slots=True)
class Summarized:
    """A post of a run with its verdict and its summary."""

    post_id: int
    published_at: datetime
    verdict: Verdict
    summary: Summary


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a post in a run."""

    post_id: int
    text: str
    text_hash: str
    url: str | None
    status: PostStatus
    category: str | None
    importance: int | None
    reason: str | None


async def add(session: AsyncSession, run_id: int, statuses: Mapping[int, PostStatus]) -> None:
    """Enter the posts of a run, each with its first status."""
    rows = [{"run_id": run_id, "post_id": post_id, "status": status} for post_id, status in statuses.items()]
    if rows:
        await (await session.connection()).execute(insert(_RUN_POST), rows)


async def save_verdicts(session: AsyncSession, run_id: int, verdicts: Mapping[int, Verdict]) -> None:
    await _update(
        session,
        run_id,
        {
            post_id: {
                "status": PostStatus.CATEGORIZED,
                "category": verdict.category,
                "importance": verdict.importance,
                "reason": verdict.reason,
            }
            for post_id, verdict in verdicts.items()
        },
    )


async def save_summaries(session: AsyncSession, run_id: int, summaries: Mapping[int, Summary]) -> None:
    await _update(
        session,
        run_id,
        {
            post_id: {"status": PostStatus.SUMMARIZED, "headline": summary.headline, "summary": summary.text}
            for post_id, summary in summaries.items()
        },
    )


async def set_aside(session: AsyncSession, run_id: int, reasons: Mapping[int, str]) -> None:
    """Take posts out of the run for good, each with the reason a person will read."""
    await _update(
        session,
        run_id,
        {post_id: {"status": PostStatus.SET_ASIDE, "reason": reason} for post_id, reason in reasons.items()},
    )


async def set_statuses(session: AsyncSession, run_id: int, statuses: Mapping[int, PostStatus]) -> None:
    await _update(session, run_id, {post_id: {"status": status} for post_id, status in statuses.items()})


async def drop_unfinished(session: AsyncSession, run_id: int) -> None:
    """The run has ended: posts that still waited are entered as dropped."""
    waiting = (PostStatus.FRESH, PostStatus.CATEGORIZED, PostStatus.CHOSEN)
    await session.execute(
        update(RunPostRow)
        .where(RunPostRow.run_id == run_id, RunPostRow.status.in_(waiting))
        .values(status=PostStatus.DROPPED)
    )


async def waiting(session: AsyncSession, run_id: int, status: PostStatus, ids: Sequence[int]) -> Mapping[int, Post]:
    """Those of the given posts that have this status, in the given order."""
    found = await session.execute(_WAITING, {"run": run_id, "status": status, "ids": ids})
    by_id = {row.id: as_post(row, row.title) for row in found}
    return {post_id: by_id[post_id] for post_id in ids if post_id in by_id}


async def judged(session: AsyncSession, run_id: int) -> Sequence[Judged]:
    """The posts that have a verdict and wait for the selection, oldest first."""
    query = (
        select(RunPostRow.post_id, PostRow.published_at, RunPostRow.category, RunPostRow.importance)
        .join(PostRow, PostRow.id == RunPostRow.post_id)
        .where(RunPostRow.run_id == run_id, RunPostRow.status == PostStatus.CATEGORIZED)
        .order_by(PostRow.published_at, RunPostRow.post_id)
    )
    return [
        Judged(post_id, published_at, Verdict(category, importance or 1))
        for post_id, published_at, category, importance in await session.execute(query)
    ]


async def summarized(session: AsyncSession, run_id: int) -> Sequence[Summarized]:
    """The posts that are ready for the digest, oldest first."""
    query = (
        select(RunPostRow, PostRow.published_at)
        .join(PostRow, PostRow.id == RunPostRow.post_id)
        .where(RunPostRow.run_id == run_id, RunPostRow.status == PostStatus.SUMMARIZED)
        .order_by(PostRow.published_at, RunPostRow.post_id)
    )
    return [
        Summarized(
            post_id=row.post_id,
            published_at=published_at,
            verdict=Verdict(row.category, row.importance or 1, row.reason or ""),
            summary=Summary(row.headline or "", row.summary or ""),
        )
        for row, published_at in await session.execute(query)
    ]


async def fates(session: AsyncSession, run_id: int) -> Sequence[Fate]:
    """What became of every post of a run, oldest first."""
    query = (
        select(
            PostRow.id, PostRow.text, PostRow.text_hash, PostRow.url, RunPostRow.status, RunPostRow.category,
            RunPostRow.importance, RunPostRow.reason,
        )
        .join(RunPostRow, RunPostRow.post_id == PostRow.id)
        .where(RunPostRow.run_id == run_id)
        .order_by(PostRow.published_at, PostRow.id)
    )  # fmt: skip
    return [
        Fate(id_, text, text_hash, url, PostStatus(status), category, importance, reason)
        for id_, text, text_hash, url, status, category, importance, reason in await session.execute(query)
    ]


async def set_aside_reasons(session: AsyncSession, run_id: int) -> Mapping[int, str]:
    query = select(RunPostRow.post_id, RunPostRow.reason).where(
        RunPostRow.run_id == run_id, RunPostRow.status == PostStatus.SET_ASIDE
    )
    return {post_id: reason or "" for post_id, reason in await session.execute(query)}


async def _update(session: AsyncSession, run_id: int, changes: Mapping[int, Mapping[str, object]]) -> None:
    if not changes:
        return
    rows = [{"of_run": run_id, "of_post": post_id, **values} for post_id, values in changes.items()]
    await (await session.connection()).execute(_UPDATE, rows)
