"""`summarize_posts`: headline and summary for every chosen post of a batch; none says what its post does not."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.ports import Answer, Brief
from pipeline.services.batches import Checked, Job, process
from pipeline.stages.extraction import lead_summary
from pipeline.stages.faithfulness import unsupported
from pipeline.toolbox import Toolbox
from storage import run_posts
from storage.records import Post, PostStatus, PublicBot, Summary, WorkKind


async def summarize(tools: Toolbox, work_id: int) -> None:
    await process(
        tools,
        work_id,
        Job(
            kind=WorkKind.SUMMARIZE,
            waiting=PostStatus.CHOSEN,
            brief=_brief,
            call=tools.model.summarize,
            check=_check,
            save=run_posts.save_summaries,
        ),
    )


def _brief(bot: PublicBot) -> Brief:
    return Brief(bot.spec.language, bot.spec.summarization_prompt, bot.spec.categories)


def _check(answer: Answer[Summary], batch: Mapping[str, Post], is_last_try: bool) -> Checked[Summary]:
    """Numbers and links that the post does not hold make a summary doubtful; at the last try its lead replaces it."""
    good: dict[int, Summary] = {}
    problems: dict[int, str] = {}
    doubtful: dict[int, str] = {}
    for key, post in batch.items():
        summary = answer.items.get(key)
        if summary is None:
            problems[post.id] = answer.problems.get(key, "missing in the answer")
        elif invented := unsupported(f"{summary.headline}\n{summary.text}", "\n".join((post.text, *post.links))):
            doubtful[post.id] = f"the summary states what the post does not: {', '.join(invented)}"
        else:
            good[post.id] = summary
    if is_last_try:
        texts = {post.id: post.text for post in batch.values()}
        good.update({post_id: lead_summary(texts[post_id]) for post_id in doubtful})
        doubtful = {}
    return Checked(good, problems, doubtful)
