"""A digest of the old program beside ours of the same posts."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pipeline.errors import ForPeople
from pipeline.services.starting import find_bot
from pipeline.sources.predecessor import read_digest
from pipeline.stages.comparing import Comparison, OurPost, TheirPost, compare
from pipeline.stages.matching import Index
from pipeline.stages.periods import parse_period
from pipeline.stages.plain_text import one_line
from pipeline.toolbox import Toolbox
from storage import adopting, digests, run_posts, runs
from storage.posts import text_hash
from storage.records import Run
from storage.run_posts import Fate


async def compare_with_old(tools: Toolbox, path: Path, target: str, period: str | None = None) -> Comparison:
    """Compare an old digest with a run (its number), or with the newest digest of a public bot (its slug), of that
    period where one is given.

    Raises:
        BrokenFile: the old digest cannot be read. ForPeople: there is no such run or public bot, or no digest of it.
    """
    old = await asyncio.to_thread(read_digest, path)
    run = await _run(tools, target, period)
    async with tools.database.read() as session:
        index = Index(await adopting.known_posts(session))
        fates = await run_posts.fates(session, run.id)
    in_run = {fate.post_id for fate in fates}
    theirs = []
    for reference, category in old.items:
        ids = index.find(reference, text_hash).ids
        post_id = next((one for one in ids if one in in_run), next(iter(ids), None))
        theirs.append(TheirPost(str(reference), category, post_id))
    return compare(run.id, theirs, [_our_post(fate) for fate in fates])


async def _run(tools: Toolbox, target: str, period: str | None) -> Run:
    if target.isdecimal():
        async with tools.database.read() as session:
            run = await runs.find(session, int(target))
            if run is None or await digests.of_run(session, run.id) is None:
                raise ForPeople("run.unknown", run=int(target))
        return run
    bot = await find_bot(tools, target)
    wanted = parse_period(period, bot.spec.timezone, tools.now()) if period else None
    async with tools.database.read() as session:
        for run in await runs.with_digest(session, bot.id):
            if wanted is None or (run.period.start, run.period.end) == (wanted.start, wanted.end):
                return run
    raise ForPeople("compare.no_digest", slug=bot.slug, period=period or "24h")


def _our_post(fate: Fate) -> OurPost:
    return OurPost(
        post_id=fate.post_id,
        name=fate.url or one_line(fate.text)[:80],
        status=fate.status,
        category=fate.category,
        importance=fate.importance,
        reason=fate.reason,
        text_hash=fate.text_hash,
    )
