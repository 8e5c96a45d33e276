"""`assemble_digest`: the finished digest out of the summaries of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.services.advancing import advance
from pipeline.services.claiming import holding
from pipeline.stages.links import safe_link
from pipeline.toolbox import Toolbox
from storage import digests, posts, public_bots, run_posts, runs, work
from storage.records import Digest, DigestItem, DigestSection, Post, PublicBot, Run, Work
from storage.run_posts import Summarized


async def assemble(tools: Toolbox, work_id: int) -> None:
    """Store the digest of a run."""
    async with holding(tools, work_id) as claimed:
        if claimed is None:
            return
        await _assemble(tools, claimed)
    await advance(tools, claimed.run_id)


async def _assemble(tools: Toolbox, claimed: Work) -> None:
    async with tools.database.read() as session:
        run = await runs.get(session, claimed.run_id)
        bot = await public_bots.by_id(session, run.public_bot_id)
        assert bot is not None
        ready = await run_posts.summarized(session, run.id)
        texts = await posts.by_ids(session, [one.post_id for one in ready])
    digest = build_digest(run, bot, ready, texts)
    async with tools.database.write() as session:
        await runs.hold(session, run.id)
        await work.finish(session, claimed)
        await digests.save(session, digest, run.public_bot_id, tools.now())


def build_digest(run: Run, bot: PublicBot, ready: Sequence[Summarized], texts: Mapping[int, Post]) -> Digest:
    """Sections in the order of the bot's categories, in each the important posts first, then the later ones.

    A category that the bot was given other ones for during the run keeps its section, at the end.
    """
    best_first = sorted(ready, key=lambda one: (-one.verdict.importance, -one.published_at.timestamp(), one.post_id))
    categories = [category.name for category in bot.spec.categories]
    categories += [one.verdict.category for one in best_first if one.verdict.category is not None]
    sections = [
        DigestSection(
            category, tuple(_item(one, texts[one.post_id]) for one in best_first if one.verdict.category == category)
        )
        for category in dict.fromkeys(categories)
    ]
    return Digest(
        run_id=run.id,
        bot_slug=bot.slug,
        title=bot.title,
        language=bot.spec.language,
        timezone=bot.spec.timezone,
        period=run.period,
        sections=tuple(section for section in sections if section.items),
    )


def _item(one: Summarized, post: Post) -> DigestItem:
    link = next(filter(None, map(safe_link, (post.url, *post.links))), None)
    return DigestItem(post.id, one.summary.headline, one.summary.text, link, post.source_title)
